/* SPDX-License-Identifier: MIT */
/*
 * control_answer.c - see control_answer.h.
 */
#include <config.h>

#include "control/control_answer.h"

#include <string.h>

#include "control/control_map.h"
#include "control/control_profile.h"
#include "control/control_rows.h"
#include "control/ledger.h"
#include "control/limits.h"
#include "control/control_purge.h"
#include "control/settings.h"
#include "os/program.h"
#include "support/log.h"

/* What a kind of request consists of, and how its answer is made: whole, or row by row. */
static const struct kind {
	uint16_t body_bytes;
	uint16_t row_bytes;
	size_t (*whole)(const struct control_answer *answer, void *body);
	uint32_t (*count)(void);
	uint32_t (*fill)(void *rows, uint32_t first, uint32_t most);
} kinds[CONTROL_KIND_END];

static void refuse(struct control_answer *answer, uint16_t code, const char *cause)
{
	answer->kind = CONTROL_ERROR;
	answer->error = code;
	answer->cause = cause;
}

void control_answer_refuse(struct control_answer *answer, uint16_t code, const char *cause)
{
	memset(answer, 0, sizeof(*answer));
	refuse(answer, code, cause);
}

static size_t answer_hello(const struct control_answer *answer, void *body)
{
	struct control_hello *hello = body;

	(void)answer;
	hello->version_lowest = CONTROL_VERSION_LOWEST;
	hello->version_highest = CONTROL_VERSION;
	hello->pid = (uint32_t)program_id();
	hello->start_time = program_start_time();
	log_format_text(hello->release, sizeof(hello->release), "%s", PACKAGE_VERSION);
	return sizeof(*hello);
}

static size_t answer_stats(const struct control_answer *answer, void *body)
{
	(void)answer;
	ledger_read_with_kernel(body);
	return sizeof(struct control_ledger);
}

/* GET, and SET once it is done: what was named is there. */
static size_t answer_setting(const struct control_answer *answer, void *body)
{
	const struct control_name *named = (const struct control_name *)answer->body;

	settings_read(settings_find(named->name), body);
	return sizeof(struct control_setting);
}

static size_t answer_limit(const struct control_answer *answer, void *body)
{
	(void)answer;
	limits_read(body);
	return sizeof(struct control_limit);
}

static size_t answer_purge(const struct control_answer *answer, void *body)
{
	(void)answer;
	return control_purge_answer(body) ? sizeof(struct control_purged) : 0;
}

static size_t answer_profile(const struct control_answer *answer, void *body)
{
	(void)answer;
	control_profile_read(body);
	return sizeof(struct control_profile);
}

static size_t answer_error(const struct control_answer *answer, void *body)
{
	struct control_error *error = body;

	error->code = answer->error;
	error->version_lowest = CONTROL_VERSION_LOWEST;
	error->version_highest = CONTROL_VERSION;
	log_format_text(error->text, sizeof(error->text), "%s", answer->cause);
	return sizeof(*error);
}

static const struct kind kinds[CONTROL_KIND_END] = {
	[CONTROL_HELLO] = { sizeof(struct control_hello), 0, answer_hello, NULL, NULL },
	[CONTROL_STATS] = { 0, 0, answer_stats, NULL, NULL },
	[CONTROL_CLASSES] = { 0, sizeof(struct control_class), NULL, control_rows_count_classes,
			      control_rows_fill_classes },
	[CONTROL_THREADS] = { 0, sizeof(struct control_thread), NULL, control_rows_count_threads,
			      control_rows_fill_threads },
	[CONTROL_MAP] = { 0, sizeof(struct control_superslab), NULL, control_map_count,
			  control_map_fill },
	[CONTROL_NODES] = { 0, sizeof(struct control_node), NULL, control_rows_count_nodes,
			    control_rows_fill_nodes },
	[CONTROL_STRAYS] = { 0, sizeof(struct control_stray), NULL, control_rows_count_strays,
			     control_rows_fill_strays },
	[CONTROL_LIST] = { 0, sizeof(struct control_setting), NULL, settings_count, settings_fill },
	[CONTROL_GET] = { sizeof(struct control_name), 0, answer_setting, NULL, NULL },
	[CONTROL_SET] = { sizeof(struct control_change), 0, answer_setting, NULL, NULL },
	[CONTROL_PURGE] = { sizeof(struct control_purge), 0, answer_purge, NULL, NULL },
	[CONTROL_LIMIT] = { sizeof(struct control_limit), 0, answer_limit, NULL, NULL },
	[CONTROL_DOCTOR] = { 0, sizeof(struct control_rung), NULL, control_rows_count_rungs,
			     control_rows_fill_rungs },
	[CONTROL_PROFILE] = { sizeof(struct control_profile), 0, answer_profile, NULL, NULL },
	[CONTROL_STACKS] = { 0, sizeof(struct control_stack), NULL, control_profile_count_stacks,
			     control_profile_fill_stacks },
	[CONTROL_SAMPLES] = { 0, sizeof(struct control_sample), NULL, control_profile_count_samples,
			      control_profile_fill_samples },
};

/* Terminated, so that what follows may take it for a string. */
static bool is_text(const char *text, size_t bytes)
{
	return memchr(text, '\0', bytes) != NULL;
}

/* What a request does besides being answered, and what is wrong with its body. */
static void act(struct control_answer *answer)
{
	const struct control_change *change = (const struct control_change *)answer->body;
	const char *cause = NULL;
	uint16_t error = 0;

	switch (answer->kind) {
	case CONTROL_GET:
	case CONTROL_SET:
		if (!is_text(change->name, sizeof(change->name)) ||
		    (answer->kind == CONTROL_SET && !is_text(change->value, sizeof(change->value))))
			error = CONTROL_BAD_REQUEST, cause = "a text without an end";
		else if (settings_find(change->name) == SETTINGS_NONE)
			error = CONTROL_NO_SUCH_NAME, cause = "no such name; list shows them";
		else if (answer->kind == CONTROL_SET)
			error = limits_judge_setting(change->name, change->value, &cause) ?:
				settings_change(settings_find(change->name), change->value, &cause);
		break;
	case CONTROL_LIMIT:
		error = limits_change((const struct control_limit *)answer->body, &cause);
		break;
	case CONTROL_PROFILE:
		error = control_profile_change((const struct control_profile *)answer->body,
					       &cause);
		break;
	case CONTROL_PURGE:
		error = control_purge_begin((const struct control_purge *)answer->body, &cause);
		break;
	case CONTROL_HELLO: {
		const struct control_hello *hello = (const struct control_hello *)answer->body;

		if (hello->version_highest < CONTROL_VERSION_LOWEST ||
		    hello->version_lowest > CONTROL_VERSION)
			error = CONTROL_BAD_VERSION,
			cause = "the tool and the library are of different releases and speak no "
				"common version";
		break;
	}
	default:
		break;
	}
	if (error)
		refuse(answer, error, cause);
}

/* NULL, or what is wrong. */
static const char *check(const struct control_head *head, size_t bytes)
{
	if (bytes < sizeof(*head) || head->magic != CONTROL_MAGIC)
		return "not a request of hakctl's";
	if (head->bytes != bytes)
		return "a truncated request";
	if (bytes > CONTROL_ANSWER_REQUEST_BYTES)
		return "too long a request";
	return NULL;
}

void control_answer_begin(struct control_answer *answer, const void *request, size_t bytes)
{
	struct control_head head = { 0 };
	const char *wrong;
	size_t body_bytes;

	memset(answer, 0, sizeof(*answer));
	memcpy(&head, request, bytes < sizeof(head) ? bytes : sizeof(head));
	wrong = check(&head, bytes);
	if (wrong) {
		refuse(answer, CONTROL_BAD_REQUEST, wrong);
		return;
	}
	answer->serial = head.serial;
	answer->kind = head.kind;
	body_bytes = bytes - sizeof(head);
	memcpy(answer->body, (const char *)request + sizeof(head), body_bytes);
	/* A hello says itself which versions its sender knows. */
	if (head.kind != CONTROL_HELLO &&
	    (head.version < CONTROL_VERSION_LOWEST || head.version > CONTROL_VERSION))
		refuse(answer, CONTROL_BAD_VERSION,
		       "a request of another version; this library is of another release");
	else if (head.kind >= CONTROL_KIND_END ||
		 !(kinds[head.kind].whole || kinds[head.kind].fill))
		refuse(answer, CONTROL_BAD_REQUEST, "a request of an unknown kind");
	else if (body_bytes < kinds[head.kind].body_bytes)
		refuse(answer, CONTROL_BAD_REQUEST, "a request that is too short for its kind");
	else if (body_bytes > kinds[head.kind].body_bytes)
		refuse(answer, CONTROL_BAD_REQUEST, "a request that is too long for its kind");
	else
		act(answer);
	if (answer->kind != CONTROL_ERROR && kinds[answer->kind].count)
		answer->rows = kinds[answer->kind].count();
}

static size_t next_rows(const struct control_answer *answer, struct control_head *head)
{
	const struct kind *kind = &kinds[answer->kind];
	uint32_t most = (uint32_t)((CONTROL_REPLY_BYTES - sizeof(*head)) / kind->row_bytes);

	head->first = answer->next;
	if (most > answer->rows - answer->next)
		most = answer->rows - answer->next;
	/* Fewer rows than were counted: what was there is gone, and the reply ends. */
	head->rows = most ? kind->fill(head + 1, answer->next, most) : 0;
	head->row_bytes = kind->row_bytes;
	if (head->rows == most && answer->next + head->rows < answer->rows)
		head->flags = CONTROL_MORE;
	return (size_t)head->rows * kind->row_bytes;
}

size_t control_answer_next(const struct control_answer *answer, void *message)
{
	struct control_head *head = message;
	size_t body;

	if (!answer->kind)
		return 0;
	memset(message, 0, CONTROL_REPLY_BYTES);
	*head = (struct control_head){ .magic = CONTROL_MAGIC, .version = CONTROL_VERSION,
				       .kind = answer->kind, .serial = answer->serial };
	if (answer->kind == CONTROL_ERROR)
		body = answer_error(answer, head + 1);
	else if (kinds[answer->kind].fill)
		body = next_rows(answer, head);
	else
		body = kinds[answer->kind].whole(answer, head + 1);
	/* Only a purge may have nothing to say yet. */
	if (!body && answer->kind == CONTROL_PURGE)
		return 0;
	head->bytes = (uint32_t)(sizeof(*head) + body);
	return head->bytes;
}

void control_answer_sent(struct control_answer *answer, const void *message)
{
	const struct control_head *head = message;

	answer->next += head->rows;
	if (!(head->flags & CONTROL_MORE))
		answer->kind = 0;
}

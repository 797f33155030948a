/* SPDX-License-Identifier: MIT */
/*
 * answers.c - is every question answered, rightly, and every wrong one refused with a word?
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"
#include "tests/control/client.h"

static void every_question_is_answered(void)
{
	struct control_hello hello = { CONTROL_VERSION_LOWEST, CONTROL_VERSION, 0, 0, "" };
	int client = client_open();
	struct control_hello said;

	said = *(const struct control_hello *)client_request(client, CONTROL_HELLO, &hello,
							     sizeof(hello));
	CHECK(said.pid == (uint32_t)getpid() && said.start_time);
	CHECK(said.version_lowest <= said.version_highest && said.release[0]);
	CHECK(client_count_rows(client, CONTROL_CLASSES, sizeof(struct control_class)) > 80);
	CHECK(client_count_rows(client, CONTROL_THREADS, sizeof(struct control_thread)) > 0);
	CHECK(client_count_rows(client, CONTROL_NODES, sizeof(struct control_node)) > 0);
	CHECK(client_count_rows(client, CONTROL_MAP, sizeof(struct control_superslab)) > 0);
	CHECK(client_count_rows(client, CONTROL_STRAYS, sizeof(struct control_stray)) == 0);
	CHECK(client_count_rows(client, CONTROL_LIST, sizeof(struct control_setting)) > 40);
	CHECK(client_count_rows(client, CONTROL_DOCTOR, sizeof(struct control_rung)) > 3);
}

/* What a program holds is what stats tells, to the block. */
static void what_is_held_is_what_is_told(void)
{
	enum { BLOCKS = 20000, BYTES = 900, LARGE = 3 << 20 };
	static void *blocks[BLOCKS];
	int client = client_open();
	struct control_ledger before = client_stats(client), after;
	void *large = malloc(LARGE);
	uint64_t terms;

	for (int i = 0; i < BLOCKS; i++)
		blocks[i] = malloc(BYTES);
	after = client_stats(client);
	CHECK(after.blocks_live_count - before.blocks_live_count == BLOCKS);
	CHECK(after.large_live_count - before.large_live_count == 1);
	CHECK(after.large_live_bytes - before.large_live_bytes == LARGE);
	CHECK(after.rss_bytes > 1000000 && after.opened_bytes >= after.slabs_bytes);
	terms = after.asked_bytes - before.asked_bytes;
	/* Sampled, as what else the process holds is. */
	CHECK_THAT(terms >= (BLOCKS * BYTES + LARGE) / 100 * 99 &&
			   terms < BLOCKS * (BYTES + 60) + LARGE,
		   "asked for: %zu", (size_t)terms);
	terms = after.blocks_live_bytes + after.thread_caches_bytes + after.slabs_free_bytes +
		after.slabs_untouched_bytes + after.in_transit_bytes + after.slab_tails_bytes;
	CHECK_THAT(terms == after.slabs_bytes, "%zu, and slabs are %zu", (size_t)terms,
		   (size_t)after.slabs_bytes);
	for (int i = 0; i < BLOCKS; i++)
		free(blocks[i]);
	free(large);
	after = client_stats(client);
	CHECK(after.blocks_live_count == before.blocks_live_count);
	CHECK(after.large_live_count == before.large_live_count);
}

static void knobs_are_read_and_turned(void)
{
	struct control_change change = { "limit_hard", "6G" };
	struct control_limit limit = { UINT64_MAX, 5ull << 30, 0, CONTROL_LIMIT_HARD };
	int client = client_open();
	const struct control_setting *now;

	now = client_request(client, CONTROL_SET, &change, sizeof(change));
	CHECK(now->value == 6ull << 30 && now->flags & CONTROL_SETTABLE);
	CHECK(((const struct control_limit *)client_request(client, CONTROL_LIMIT, &limit,
							    sizeof(limit)))
		      ->hard_bytes == 5ull << 30);
	now = client_request(client, CONTROL_GET, &change, sizeof(struct control_name));
	CHECK(now->value == 5ull << 30);
	strcpy(change.name, "on_stray_access");
	strcpy(change.value, "off");
	now = client_request(client, CONTROL_SET, &change, sizeof(change));
	CHECK_THAT(!strcmp(now->text, "off") && !strcmp(now->words, "report|abort|off"),
		   "%s of %s", now->text, now->words);
	strcpy(change.value, "perhaps");
	client_expect_error(client, CONTROL_SET, &change, sizeof(change), CONTROL_BAD_VALUE);
	strcpy(change.name, "helpers");
	client_expect_error(client, CONTROL_SET, &change, sizeof(change), CONTROL_NOT_ALLOWED);
	strcpy(change.name, "live.blocks");
	client_expect_error(client, CONTROL_SET, &change, sizeof(change), CONTROL_NOT_ALLOWED);
	strcpy(change.name, "nothing");
	client_expect_error(client, CONTROL_SET, &change, sizeof(change), CONTROL_NO_SUCH_NAME);
}

/* Times out of a program's own life: those of a thread that waits, and of one that is refused. */
static void a_thread_at_the_limit_waits_or_fails_as_asked(void)
{
	enum { LARGE = 64 << 20 };	/* beside it the stock is little */
	struct control_limit limit = { UINT64_MAX, 0, CONTROL_LIMIT_THROTTLE,
				       CONTROL_LIMIT_HARD | CONTROL_LIMIT_WHAT };
	int client = client_open();
	struct control_ledger before, after;
	void *large = malloc(LARGE);

	need_helper_running();
	skip_under_filter("waits are not timed");
	before = client_stats(client);
	limit.hard_bytes = before.limit_taken_bytes + LARGE / 2;
	CHECK(((const struct control_limit *)client_request(client, CONTROL_LIMIT, &limit,
							    sizeof(limit)))
		      ->action == CONTROL_LIMIT_THROTTLE);
	CHECK(!malloc(LARGE));
	after = client_stats(client);
	CHECK_THAT(after.refused == before.refused + 1, "refused: %zu", (size_t)after.refused);
	CHECK_THAT(after.waits > before.waits + 10, "waits: %zu", (size_t)after.waits);
	CHECK_THAT(after.wait_max_ns >= 5000000 && after.wait_p99_ns <= after.wait_max_ns,
		   "longest: %zu ns", (size_t)after.wait_max_ns);
	CHECK(after.clients == 1 && after.limit_action == CONTROL_LIMIT_THROTTLE);
	limit.action = CONTROL_LIMIT_NULL;
	client_request(client, CONTROL_LIMIT, &limit, sizeof(limit));
	CHECK(!malloc(LARGE));
	CHECK(client_stats(client).waits < after.waits + 10);
	free(large);
}

static void *put_soon(void *block)
{
	usleep(200000);
	free(block);
	return NULL;
}

static void a_thread_that_waits_gets_what_others_put(void)
{
	enum { LARGE = 64 << 20 };	/* beside it the stock is little */
	struct control_limit limit = { UINT64_MAX, 0, CONTROL_LIMIT_THROTTLE,
				       CONTROL_LIMIT_HARD | CONTROL_LIMIT_WHAT };
	int client = client_open();
	void *large = malloc(LARGE);
	pthread_t thread;

	limit.hard_bytes = client_stats(client).limit_taken_bytes + LARGE / 2;
	client_request(client, CONTROL_LIMIT, &limit, sizeof(limit));
	start_thread(&thread, NULL, put_soon, large);
	large = malloc(LARGE);
	CHECK(large);
	CHECK(!pthread_join(thread, NULL));
	free(large);
}

static void a_program_at_the_limit_ends_if_asked(void)
{
	struct control_limit limit = { UINT64_MAX, 64 << 20, CONTROL_LIMIT_ABORT,
				       CONTROL_LIMIT_HARD | CONTROL_LIMIT_WHAT };
	int client = client_open(), status;
	pid_t child;

	client_request(client, CONTROL_LIMIT, &limit, sizeof(limit));
	child = fork();
	if (!child) {
		(void)!freopen("/dev/null", "w", stderr);
		for (int i = 0; i < 64; i++)
			if (!malloc(2 << 20))
				_exit(1);
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child);
	CHECK_THAT(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "it ended with %d", status);
}

static void a_shorter_decay_is_in_force_at_once(void)
{
	enum { BLOCKS = 64, BYTES = 1 << 20 };
	static void *blocks[BLOCKS];
	struct control_change change = { "decay_ms", "50" };
	int client = client_open(), looks = 0;

	need_helper_running();
	for (int i = 0; i < BLOCKS; i++)
		blocks[i] = memset(malloc(BYTES), 1, BYTES);
	for (int i = 0; i < BLOCKS; i++)
		free(blocks[i]);
	client_request(client, CONTROL_SET, &change, sizeof(change));
	/* 60 s was in force before. */
	while (client_stats(client).released_bytes < BLOCKS * BYTES / 2 && looks++ < 500)
		usleep(20000);
	CHECK_THAT(looks < 500, "%zu bytes went back", (size_t)client_stats(client).released_bytes);
	CHECK(client_stats(client).release_calls > 0);
}

static void wrong_requests_get_a_word(void)
{
	static char much[CONTROL_REQUEST_BYTES];
	struct control_hello hello = { 9, 12, 0, 0, "" };
	struct control_change change = { "limit_hard", "1G" };
	struct control_head *head = (struct control_head *)much;
	int client = client_open();
	char heard[CONTROL_REPLY_BYTES] __attribute__((aligned(8)));

	client_expect_error(client, CONTROL_HELLO, &hello, sizeof(hello), CONTROL_BAD_VERSION);
	client_expect_error(client, CONTROL_KIND_END, NULL, 0, CONTROL_BAD_REQUEST);
	client_expect_error(client, CONTROL_ERROR, NULL, 0, CONTROL_BAD_REQUEST);
	client_expect_error(client, 0, NULL, 0, CONTROL_BAD_REQUEST);
	client_expect_error(client, CONTROL_STATS, much, 100, CONTROL_BAD_REQUEST);
	client_expect_error(client, CONTROL_GET, much, 3, CONTROL_BAD_REQUEST);
	memset(&change, 'x', sizeof(change));
	client_expect_error(client, CONTROL_SET, &change, sizeof(change), CONTROL_BAD_REQUEST);
	*head = (struct control_head){ .magic = CONTROL_MAGIC, .version = 99,
				       .kind = CONTROL_STATS, .bytes = sizeof(*head) };
	CHECK(send(client, much, sizeof(*head), 0) > 0 && client_hear(client, heard));
	CHECK(((struct control_error *)(heard + sizeof(*head)))->code == CONTROL_BAD_VERSION);
	head->version = CONTROL_VERSION;
	for (size_t bytes = 1; bytes < sizeof(much); bytes = bytes * 3 + 1) {
		CHECK(send(client, much, bytes, 0) > 0 && client_hear(client, heard));
		CHECK(((struct control_head *)heard)->kind == CONTROL_ERROR);
	}
	CHECK(client_stats(client).taken_ns);
}

static const struct contract_case cases[] = {
	CASE_WITH(every_question_is_answered, "control:always,helpers:always"),
	CASE_WITH(what_is_held_is_what_is_told, "control:always,helpers:always"),
	CASE_WITH(knobs_are_read_and_turned, "control:always,helpers:always"),
	CASE_WITH(a_thread_at_the_limit_waits_or_fails_as_asked, "control:always,helpers:always"),
	CASE_WITH(a_thread_that_waits_gets_what_others_put, "control:always,helpers:always"),
	CASE_WITH(a_program_at_the_limit_ends_if_asked, "control:always,helpers:always"),
	CASE_WITH(a_shorter_decay_is_in_force_at_once,
		  "control:always,helpers:always,decay_ms:60000"),
	CASE_WITH(wrong_requests_get_a_word, "control:always,helpers:always"),
};

CONTRACT_MAIN(cases)

/* SPDX-License-Identifier: MIT */
/*
 * limits.c - see limits.h.
 */
#include <config.h>

#include "control/limits.h"

#include <stdbool.h>
#include <string.h>

#include "back/limit.h"
#include "support/log.h"
#include "support/option_value.h"
#include "support/options.h"

_Static_assert((int)LIMIT_NULL == CONTROL_LIMIT_NULL && (int)LIMIT_ABORT == CONTROL_LIMIT_ABORT &&
		       (int)LIMIT_THROTTLE == CONTROL_LIMIT_THROTTLE, "one order");

void limits_read(struct control_limit *limit)
{
	*limit = (struct control_limit){
		.soft_bytes = options.limit_soft_bytes,
		.hard_bytes = options.limit_hard_bytes,
		.action = limit_get_action(),
	};
}

/* A limit that is passed already lets the program's next allocation fail. */
static uint16_t judge(size_t soft, size_t hard, const char **cause)
{
	static char text[160];
	size_t held = limit_held_bytes();

	if (hard < held)
		log_format_text(
			text, sizeof(text),
			"a hard limit of %zu bytes is below the %zu bytes that the heap holds; "
			"hakctl limit --force sets it all the same",
			hard, held);
	else if (soft != SIZE_MAX && soft > hard)
		log_format_text(
			text, sizeof(text),
			"a soft limit of %zu bytes is above the hard one of %zu bytes, and so none; "
			"hakctl limit --force sets it all the same",
			soft, hard);
	else
		return 0;
	*cause = text;
	return CONTROL_BAD_VALUE;
}

uint16_t limits_judge_setting(const char *name, const char *value, const char **cause)
{
	size_t bytes, soft = options.limit_soft_bytes, hard = options.limit_hard_bytes;
	bool is_soft = strcmp(name, "limit_soft") == 0;

	if (!is_soft && strcmp(name, "limit_hard") != 0)
		return 0;
	/* Whoever sets it says what is wrong with it. */
	if (!option_value_limit((struct option_text){ value, strlen(value) }, &bytes))
		return 0;
	return is_soft ? judge(bytes, hard, cause) : judge(soft, bytes, cause);
}

uint16_t limits_change(const struct control_limit *change, const char **cause)
{
	size_t soft = change->set & CONTROL_LIMIT_SOFT ? change->soft_bytes :
							 options.limit_soft_bytes;
	size_t hard = change->set & CONTROL_LIMIT_HARD ? change->hard_bytes :
							 options.limit_hard_bytes;

	if (change->set & ~(CONTROL_LIMIT_SOFT | CONTROL_LIMIT_HARD | CONTROL_LIMIT_WHAT |
			    CONTROL_LIMIT_FORCE)) {
		*cause = "a limit of an unknown kind";
		return CONTROL_BAD_REQUEST;
	}
	if (change->set & CONTROL_LIMIT_WHAT && change->action > CONTROL_LIMIT_ABORT) {
		*cause = "no such action at the hard limit";
		return CONTROL_NOT_SUPPORTED;
	}
	if (change->set & (CONTROL_LIMIT_SOFT | CONTROL_LIMIT_HARD) &&
	    !(change->set & CONTROL_LIMIT_FORCE) && judge(soft, hard, cause))
		return CONTROL_BAD_VALUE;
	if (change->set & CONTROL_LIMIT_WHAT)
		limit_set_action((enum limit_action)change->action);
	if (change->set & CONTROL_LIMIT_SOFT)
		options.limit_soft_bytes = change->soft_bytes;
	if (change->set & CONTROL_LIMIT_HARD)
		options.limit_hard_bytes = change->hard_bytes;
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * limits.c - see limits.h.
 */
#include <config.h>

#include "entry/limits.h"

#include "back/limit.h"
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

uint16_t limits_change(const struct control_limit *change, const char **cause)
{
	if (change->set & ~(CONTROL_LIMIT_SOFT | CONTROL_LIMIT_HARD | CONTROL_LIMIT_WHAT)) {
		*cause = "a limit of an unknown kind";
		return CONTROL_BAD_REQUEST;
	}
	if (change->set & CONTROL_LIMIT_WHAT && change->action > CONTROL_LIMIT_ABORT) {
		*cause = "no such action at the hard limit";
		return CONTROL_NOT_SUPPORTED;
	}
	if (change->set & CONTROL_LIMIT_WHAT)
		limit_set_action((enum limit_action)change->action);
	if (change->set & CONTROL_LIMIT_SOFT)
		options.limit_soft_bytes = change->soft_bytes;
	if (change->set & CONTROL_LIMIT_HARD)
		options.limit_hard_bytes = change->hard_bytes;
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * control_purge.c - see control_purge.h.
 */
#include <config.h>

#include "entry/control_purge.h"

uint16_t control_purge_begin(const struct control_purge *purge, const char **cause)
{
	(void)purge;
	*cause = "the helper of this library cannot give memory back yet; malloc_trim() does";
	return CONTROL_NOT_SUPPORTED;
}

bool control_purge_answer(struct control_purged *purged)
{
	(void)purged;
	return true;
}

/* SPDX-License-Identifier: MIT */
/*
 * outline.c - see outline.h. Constant, so it costs a process no page of its own.
 */
#include <config.h>

#include "control/outline.h"

#include "back/large_run.h"
#include "back/superslab.h"
#include "upkeep/rungs.h"
#include "os/vm.h"

/* The shape is in hakmem/control.h; the name is found by its symbol. */
extern const struct control_outline hak_outline;

EXPORT const struct control_outline hak_outline = {
	.magic = CONTROL_MAGIC,
	.bytes = sizeof(struct control_outline),
	.shape = OUTLINE_SHAPE,
	.reservation = &reservation,
	.newest_heap = (const void *)&heap_newest,
	.sent_alone = (const void *)heap_sent_alone,
	.superslabs = &superslab_end,
	.large = &large_count_totals,
	.large_dirty = (const void *)&large_run_dirty,
	.calls = (const void *)vm_calls,
	.options = &options,
	.rungs = &rungs_rows,
	.rung_count = RUNG_COUNT,
};

/* SPDX-License-Identifier: MIT */
/*
 * See heat.h; `hakctl map --heat` asks. A page table says from outside which pages were
 * written since its soft-dirty bits were cleared, where the kernel keeps such bits.
 */
#include <config.h>

#include "hakctl/heat.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hakctl/memory_map.h"
#include "hakctl/message.h"

struct tally {
	struct heat *heat;
	uint64_t heap_start;
};

static void add(uint64_t start, uint64_t end, bool huge, void *argument)
{
	struct tally *tally = argument;

	(void)huge;
	while (start < end) {
		uint64_t index = (start - tally->heap_start) / HEAT_SUPERSLAB_BYTES;
		uint64_t stop = tally->heap_start + (index + 1) * HEAT_SUPERSLAB_BYTES;

		if (stop > end)
			stop = end;
		if (index < tally->heat->count)
			tally->heat->written_bytes[index] += (uint32_t)(stop - start);
		start = stop;
	}
}

static void pause_for(double seconds)
{
	struct timespec left = { (time_t)seconds,
				 (long)((seconds - floor(seconds)) * 1e9) };

	while (nanosleep(&left, &left) != 0 && errno == EINTR)
		;
}

static void begin(const struct control_ledger *ledger, struct heat *heat)
{
	heat->count = (ledger->heap_end - ledger->heap_start + HEAT_SUPERSLAB_BYTES - 1) /
		      HEAT_SUPERSLAB_BYTES;
	heat->written_bytes = calloc(heat->count + 1, sizeof(*heat->written_bytes));
	if (!heat->written_bytes)
		message_out_of_memory();
}

static bool no_way(struct failure *failure)
{
	if (errno == ENOTSUP)
		return failure_set(failure, EXIT_REFUSED,
				   "no heat: this kernel was built without "
				   "CONFIG_MEM_SOFT_DIRTY; the map without --heat works");
	if (errno == ENOTTY)
		return failure_set(
			failure, EXIT_REFUSED,
			"no heat: this kernel has no PAGEMAP_SCAN; Linux 6.7 brings "
			"it");
	return failure_set(failure, EXIT_REFUSED, "no heat: its page table: %s",
			   strerror(errno));
}

bool heat_measure(const struct target *target, const struct control_ledger *ledger,
		  double seconds, struct heat *heat, struct failure *failure)
{
	struct tally tally = { heat, ledger->heap_start };

	*heat = (struct heat){ .how = "soft-dirty bits" };
	if (!memory_map_begin_dirty(&target->process))
		return no_way(failure);
	pause_for(seconds);
	begin(ledger, heat);
	if (memory_map_scan_dirty(&target->process, ledger->heap_start, ledger->heap_end,
				  add, &tally))
		return true;
	heat_free(heat);
	return no_way(failure);
}

void heat_free(struct heat *heat)
{
	free(heat->written_bytes);
	*heat = (struct heat){ .written_bytes = NULL };
}

/* SPDX-License-Identifier: MIT */
/* How much of each superslab is written to within a time. */
#ifndef HAKCTL_VERBS_HEAT_H
#define HAKCTL_VERBS_HEAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hakctl/client/look.h"
#include "support/arch.h"

#define HEAT_SUPERSLAB_BYTES ((uint64_t)ARCH_HUGE_PAGE_BYTES)

struct heat {
	uint32_t *written_bytes; /* one a superslab, from the heap's start */
	size_t count;
	const char *how;
};

/*
 * Waits so long; false: this kernel or process has no way, and the failure says why.
 * superslabs: as the library has just told them.
 */
bool heat_measure(const struct target *target, const struct control_ledger *ledger,
		  const struct reply_rows *superslabs, double seconds, struct heat *heat,
		  struct failure *failure);
void heat_free(struct heat *heat);

#endif

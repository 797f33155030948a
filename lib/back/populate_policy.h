/* SPDX-License-Identifier: MIT */
/*
 * populate_policy.h - how much to keep in stock, and how long to sleep: numbers in, numbers
 * out, the clock included, so that it is tested without a kernel. Called by the helper.
 */
#ifndef HAKMEM_BACK_POPULATE_POLICY_H
#define HAKMEM_BACK_POPULATE_POLICY_H

#include <stdint.h>

/* Zero to start with. */
struct populate_policy {
	uint32_t target;	/* superslabs to keep in stock */
	uint32_t remembered;	/* the target before it was quiet */
	uint32_t seen_taken;	/* demand at the last tick */
	uint32_t seen_missed;
	uint64_t busy_ns;	/* when superslabs were last taken */
	uint64_t sleep_ns;	/* the last sleep */
};

struct populate_demand {
	uint32_t taken;		/* superslabs since the start */
	uint32_t missed;	/* of them, those that the stock did not have */
	uint32_t heap;		/* superslabs in use: bounds what may lie in stock */
};

/* Sets the target for this tick. */
void populate_policy_tick(struct populate_policy *policy, uint64_t now_ns,
			  struct populate_demand demand);

/* behind: the stock is below its target. Returns nanoseconds; 0: work on. */
uint64_t populate_policy_sleep(struct populate_policy *policy, uint64_t now_ns, int behind);

/* From here on a sleep is long: whoever opens memory ends it. */
#define POPULATE_LONG_SLEEP_NS	100000000ull

#endif

/* SPDX-License-Identifier: MIT */
/*
 * populate_policy.c - see populate_policy.h. Like read-ahead, the stock doubles while threads
 * outrun it; it drains at once after half a second without demand, remembering its size.
 */
#include <config.h>

#include "back/populate_policy.h"

#include <stdbool.h>

#define TARGET_FIRST		4
#define CAP_LEAST		2	/* superslabs: 4 MiB more resident than without a helper … */
#define CAP_PERCENT		7	/* … or so much of the heap */
#define TARGET_MOST		32
#define QUIET_NS		500000000ull
#define TICK_NS			1000000ull
#define TICK_QUIET_NS		10000000ull
#define SLEEP_IDLE_NS		600000000ull	/* fewer than two wake-ups a second */

static uint32_t cap(uint32_t heap)
{
	uint32_t most = heap / 100 * CAP_PERCENT + heap % 100 * CAP_PERCENT / 100;

	if (most < CAP_LEAST)
		most = CAP_LEAST;
	return most < TARGET_MOST ? most : TARGET_MOST;
}

static uint32_t grown(const struct populate_policy *policy)
{
	if (policy->target)
		return policy->target * 2;
	return policy->remembered / 2 > TARGET_FIRST ? policy->remembered / 2 : TARGET_FIRST;
}

void populate_policy_tick(struct populate_policy *policy, uint64_t now_ns,
			  struct populate_demand demand)
{
	bool taken = demand.taken != policy->seen_taken;

	if (demand.missed != policy->seen_missed)
		policy->target = grown(policy);
	if (taken || !policy->busy_ns) {
		policy->busy_ns = now_ns;
		policy->sleep_ns = TICK_NS;
	} else if (now_ns - policy->busy_ns > QUIET_NS && policy->target) {
		policy->remembered = policy->target;
		policy->target = 0;
	}
	if (policy->target > cap(demand.heap))
		policy->target = cap(demand.heap);
	policy->seen_taken = demand.taken;
	policy->seen_missed = demand.missed;
}

uint64_t populate_policy_sleep(struct populate_policy *policy, uint64_t now_ns, int behind)
{
	if (behind)
		return 0;
	if (now_ns - policy->busy_ns > QUIET_NS)
		return policy->sleep_ns = SLEEP_IDLE_NS;
	if (now_ns - policy->busy_ns > TICK_QUIET_NS && policy->sleep_ns < TICK_QUIET_NS)
		policy->sleep_ns *= 2;
	return policy->sleep_ns < TICK_QUIET_NS ? policy->sleep_ns : TICK_QUIET_NS;
}

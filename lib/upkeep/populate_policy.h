/* SPDX-License-Identifier: MIT */
/*
 * populate_policy.h - how much to keep in stock, of which pages, when to leave it to the
 * kernel, and how long to sleep: numbers in, numbers out, the clock included, so that it is
 * tested without a kernel. Called by the helper.
 */
#ifndef HAKMEM_UPKEEP_POPULATE_POLICY_H
#define HAKMEM_UPKEEP_POPULATE_POLICY_H

#include <stdbool.h>
#include <stdint.h>

enum populate_pages { POPULATE_HUGE, POPULATE_SMALL, POPULATE_PAGES };

#define POPULATE_COSTS	3	/* remembered of a kind: the middle one counts */

/* Zero to start with. */
struct populate_policy {
	uint32_t target;	/* fill up to so many superslabs; 0: give back what is there */
	uint32_t remembered;	/* the target before it was quiet */
	uint64_t seen_ns;	/* the last tick */
	uint32_t seen_taken;	/* demand then */
	uint32_t seen_missed;
	uint64_t busy_ns;	/* when superslabs were last taken */
	uint64_t step_ns;	/* since when superslabs are counted that tell … */
	uint32_t step_taken;	/* … from so many on … */
	bool is_eager;		/* set before the first tick: slower growth counts, too */
	bool fast;		/* … whether it grows fast */
	uint64_t pace_ns;	/* since when their pace is looked at */
	uint32_t pace_taken;	/* demand then */
	uint64_t sleep_ns;	/* the last sleep */

	enum populate_pages pages;	/* those that cost less here and now */
	bool pages_are_fixed;		/* by an option */
	uint64_t cost_ns[POPULATE_PAGES][POPULATE_COSTS];	/* of a superslab; 0: not known */
	uint64_t cheap_huge_ns;		/* when a huge page was last seen to be cheap; 0: never */
	uint64_t least_small_ns;	/* the least that small pages ever cost; 0: not known */
	uint32_t until_trial;		/* superslabs before the other kind may be tried */
	uint32_t trial_distance;	/* until_trial after the next trial that fails */
	uint32_t good_trials;		/* in a row */

	uint32_t window_taken;		/* of the superslabs that are being looked at */
	uint32_t window_missed;
	uint64_t rest_ns;		/* the last rest; 0: it keeps up */
	uint64_t rest_until_ns;
};

struct populate_demand {
	uint32_t taken;		/* superslabs since the start */
	uint32_t missed;	/* of them, those that the stock did not have */
	uint32_t most;		/* superslabs that may lie in stock: see brought.h */
};

/* So fast that its threads would wait for pages. */
static inline bool populate_policy_grows_fast(const struct populate_policy *policy)
{
	return policy->fast;
}

/* Nobody has taken anything for long. */
bool populate_policy_is_quiet(const struct populate_policy *policy, uint64_t now_ns);

/* Huge pages are the cheaper ones, and one was seen to be cheap so short ago. */
bool populate_policy_saw_cheap_huge(const struct populate_policy *policy, uint64_t now_ns,
				    uint64_t within_ns);

/* Sets the target for this tick. */
void populate_policy_tick(struct populate_policy *policy, uint64_t now_ns,
			  struct populate_demand demand);

/* Nothing more is brought until a thread misses it from now on. */
void populate_policy_rest(struct populate_policy *policy, struct populate_demand demand);

/*
 * False: threads outrun the helper, and huge pages are cheap. Then each superslab that it
 * fills costs them more, in processor time and locks, than taking a huge page themselves.
 */
bool populate_policy_may_fill(const struct populate_policy *policy, uint64_t now_ns);

/* Of which pages the next superslab shall be: the cheaper kind, or a trial of the other. */
enum populate_pages populate_policy_choose(const struct populate_policy *policy);

/* What zeroing one of these pages took, of the helper's own processor time. */
void populate_policy_note_cost(struct populate_policy *policy, enum populate_pages pages,
			       uint64_t cost_ns);

/* An estimate from a few small pages, before there is a stock: tells what is slow. */
void populate_policy_expect_small(struct populate_policy *policy, uint64_t cost_ns);

/* From now on these pages only. */
void populate_policy_fix_pages(struct populate_policy *policy, enum populate_pages pages);

/* behind: the stock is below its target. Returns nanoseconds; 0: work on. */
uint64_t populate_policy_sleep(struct populate_policy *policy, uint64_t now_ns, bool behind);

/* From here on a sleep is long: whoever opens memory ends it. */
#define POPULATE_LONG_SLEEP_NS	100000000ull

#endif

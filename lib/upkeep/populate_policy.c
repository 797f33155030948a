/* SPDX-License-Identifier: MIT */
/*
 * populate_policy.c - see populate_policy.h. Of a heap that grows fast the stock doubles, like
 * read-ahead, while threads outrun it, and shrinks to what they take in a few milliseconds. Of one
 * that does not there is none, but what is there stays for half a second.
 *
 * Zeroing a huge page costs a fraction of what 512 small ones do, unless the memory has to
 * come from a hypervisor, which takes back what is free in large blocks: then it costs
 * several times as much, and small pages are still at hand.
 */
#include <config.h>

#include "upkeep/populate_policy.h"

#include <string.h>

#define TARGET_FIRST		4
#define TARGET_MOST		32
/* who takes so many superslabs in this time grows fast: … */
#define STEP_NS			16000000ull
/* … 256 MiB a second; for others the kernel will do */
#define STEP_TAKEN		2
/* 16 MiB a second are fast enough for who wants it always */
#define EAGER_STEPS		16
#define PACE_NS			128000000ull	/* what was taken in this time … */
/* … lasts, by so much of it, until more is filled */
#define PACE_SHARE		4
#define QUIET_NS		500000000ull
#define TICK_NS			1000000ull
#define SLOW_STEPS		8
#define TICK_QUIET_NS		10000000ull
#define SLEEP_IDLE_NS		2000000000ull

#define TRIAL_FIRST		16	/* superslabs between trials that fail */
#define TRIAL_MOST		256
#define TRIALS_TO_CHANGE	2

#define AWAY_NS			10000000ull	/* longer than a tick takes that fills all it may */
#define WINDOW			16	/* taken superslabs tell whether the helper keeps up */
#define REST_FIRST_NS		8000000ull
#define REST_MOST_NS		64000000ull

static uint32_t cap(uint32_t most)
{
	return most < TARGET_MOST ? most : TARGET_MOST;
}

static uint32_t grown(const struct populate_policy *policy)
{
	if (policy->target)
		return policy->target * 2;
	return policy->remembered / 2 > TARGET_FIRST ? policy->remembered / 2 : TARGET_FIRST;
}

/* Told by the last few superslabs; a pause begins anew. */
static void look_at_step(struct populate_policy *policy, uint64_t now_ns, uint32_t all_taken)
{
	uint64_t step_ns = policy->is_eager ? STEP_NS * EAGER_STEPS : STEP_NS;
	uint64_t passed_ns = now_ns - policy->step_ns;
	uint32_t taken = all_taken - policy->step_taken;

	if (taken < STEP_TAKEN && passed_ns < step_ns)
		return;
	policy->fast = taken >= STEP_TAKEN && passed_ns <= taken * (step_ns / STEP_TAKEN);
	policy->step_ns = now_ns;
	policy->step_taken = all_taken;
}

/* A slow program needs less in stock than one that outran it in its first moments. */
static void look_at_pace(struct populate_policy *policy, uint64_t now_ns, uint32_t taken)
{
	uint64_t looked_ns = now_ns - policy->pace_ns;
	uint32_t enough = (taken - policy->pace_taken) / PACE_SHARE;

	if (looked_ns < PACE_NS)
		return;
	/* A pause says nothing of the pace. */
	if (looked_ns < 2 * PACE_NS && policy->target > enough)
		policy->target = enough ? enough : 1;
	policy->pace_ns = now_ns;
	policy->pace_taken = taken;
}

bool populate_policy_may_fill(const struct populate_policy *policy, uint64_t now_ns)
{
	return now_ns >= policy->rest_until_ns;
}

bool populate_policy_is_quiet(const struct populate_policy *policy, uint64_t now_ns)
{
	return policy->busy_ns && now_ns - policy->busy_ns > QUIET_NS;
}

/* Half missed although the helper did nothing but fill: it cannot keep up. */
static void look_at_window(struct populate_policy *policy, uint64_t now_ns, uint32_t taken,
			   uint32_t missed)
{
	if (!populate_policy_may_fill(policy, now_ns))
		return;
	policy->window_taken += taken;
	policy->window_missed += missed;
	if (policy->window_taken < WINDOW)
		return;
	if (policy->window_missed < policy->window_taken / 2 || policy->pages == POPULATE_SMALL)
		policy->rest_ns = 0;
	else if (policy->rest_ns == 0)
		policy->rest_ns = REST_FIRST_NS;
	else if (policy->rest_ns < REST_MOST_NS)
		policy->rest_ns *= 2;
	if (policy->rest_ns)
		policy->rest_until_ns = now_ns + policy->rest_ns;
	policy->window_taken = policy->window_missed = 0;
}

/* Nothing more is brought; what is there stays for a while. */
static void populate_policy_remember(struct populate_policy *policy)
{
	if (policy->target)
		policy->remembered = policy->target;
	policy->target = 0;
}

void populate_policy_rest(struct populate_policy *policy, struct populate_demand demand)
{
	populate_policy_remember(policy);
	policy->seen_taken = demand.taken;
	policy->seen_missed = demand.missed;
}

void populate_policy_tick(struct populate_policy *policy, uint64_t now_ns,
			  struct populate_demand demand)
{
	uint32_t taken = demand.taken - policy->seen_taken;
	uint32_t missed = demand.missed - policy->seen_missed;

	look_at_step(policy, now_ns, demand.taken);
	if (!policy->fast)
		populate_policy_remember(policy);
	else if (missed)
		policy->target = grown(policy);
	/*
	 * What was taken before there was a helper, or while it did something else, or might not
	 * fill, says nothing of it.
	 */
	if (policy->busy_ns && now_ns - policy->seen_ns < AWAY_NS && demand.most >= TARGET_FIRST)
		look_at_window(policy, now_ns, taken, missed);
	if (taken || !policy->busy_ns) {
		policy->busy_ns = now_ns;
		policy->sleep_ns = TICK_NS;
	} else if (populate_policy_is_quiet(policy, now_ns)) {
		policy->rest_ns = 0;
	}
	look_at_pace(policy, now_ns, demand.taken);
	if (policy->target > cap(demand.most))
		policy->target = cap(demand.most);
	policy->seen_ns = now_ns;
	policy->seen_taken = demand.taken;
	policy->seen_missed = demand.missed;
}

/* One slow superslab, when the host was busy with something else, changes nothing. */
static uint64_t middle_cost(const struct populate_policy *policy, enum populate_pages pages)
{
	const uint64_t *cost = policy->cost_ns[pages];
	uint64_t low = cost[0] < cost[1] ? cost[0] : cost[1];
	uint64_t high = cost[0] < cost[1] ? cost[1] : cost[0];

	if (cost[2] < low)
		return low;
	return cost[2] < high ? cost[2] : high;
}

/* Huge pages have other merits: small ones must cost a third less. */
static bool is_slow(uint64_t huge_ns, uint64_t small_ns)
{
	return small_ns && huge_ns > small_ns + small_ns / 2;
}

bool populate_policy_saw_cheap_huge(const struct populate_policy *policy, uint64_t now_ns,
				    uint64_t within_ns)
{
	return policy->pages == POPULATE_HUGE && policy->cheap_huge_ns &&
	       now_ns - policy->cheap_huge_ns < within_ns;
}

enum populate_pages populate_policy_choose(const struct populate_policy *policy)
{
	if (policy->pages_are_fixed || policy->until_trial)
		return policy->pages;
	if (policy->pages == POPULATE_SMALL)
		return POPULATE_HUGE;
	return is_slow(middle_cost(policy, POPULATE_HUGE), policy->least_small_ns) ?
		       POPULATE_SMALL : POPULATE_HUGE;
}

static void wait_for_trial(struct populate_policy *policy)
{
	if (policy->trial_distance < TRIAL_FIRST)
		policy->trial_distance = TRIAL_FIRST;
	policy->until_trial = policy->trial_distance;
	if (policy->trial_distance < TRIAL_MOST)
		policy->trial_distance *= 2;
	policy->good_trials = 0;
}

static void judge_trial(struct populate_policy *policy, enum populate_pages tried, uint64_t cost_ns)
{
	uint64_t other_ns = middle_cost(policy, policy->pages);
	bool good = tried == POPULATE_SMALL ? is_slow(other_ns, cost_ns) : cost_ns <= other_ns;

	if (!good) {
		wait_for_trial(policy);
	} else if (++policy->good_trials == TRIALS_TO_CHANGE) {
		unsigned i;

		policy->pages = tried;
		for (i = 0; i < POPULATE_COSTS; i++)
			policy->cost_ns[tried][i] = cost_ns;
		wait_for_trial(policy);
	}
}

void populate_policy_note_cost(struct populate_policy *policy, enum populate_pages pages,
			       uint64_t cost_ns)
{
	uint64_t *costs = policy->cost_ns[pages];

	memmove(costs, costs + 1, (POPULATE_COSTS - 1) * sizeof(*costs));
	costs[POPULATE_COSTS - 1] = cost_ns;
	if (pages == POPULATE_HUGE)
		policy->cheap_huge_ns =
			is_slow(cost_ns, policy->least_small_ns) ? 0 : policy->seen_ns;
	if (pages == POPULATE_SMALL &&
	    (!policy->least_small_ns || cost_ns < policy->least_small_ns))
		policy->least_small_ns = cost_ns;
	if (policy->pages_are_fixed)
		return;
	if (pages != policy->pages)
		judge_trial(policy, pages, cost_ns);
	else if (policy->until_trial)
		policy->until_trial--;
}

void populate_policy_expect_small(struct populate_policy *policy, uint64_t cost_ns)
{
	policy->least_small_ns = cost_ns;
}

void populate_policy_fix_pages(struct populate_policy *policy, enum populate_pages pages)
{
	policy->pages = pages;
	policy->pages_are_fixed = true;
}

uint64_t populate_policy_sleep(struct populate_policy *policy, uint64_t now_ns, bool behind)
{
	if (behind)
		return 0;
	if (now_ns - policy->busy_ns > QUIET_NS)
		return policy->sleep_ns = SLEEP_IDLE_NS;
	/* One superslab in a while is no growth: a few looks tell. */
	if (policy->target == 0) {
		uint64_t sleep_ns = policy->sleep_ns;

		/* Others may wake the helper sooner than it would. */
		if (sleep_ns < SLEEP_IDLE_NS)
			policy->sleep_ns *= SLOW_STEPS;
		return sleep_ns < SLEEP_IDLE_NS ? sleep_ns : SLEEP_IDLE_NS;
	}
	if (now_ns - policy->busy_ns > TICK_QUIET_NS && policy->sleep_ns < TICK_QUIET_NS)
		policy->sleep_ns *= 2;
	return policy->sleep_ns < TICK_QUIET_NS ? policy->sleep_ns : TICK_QUIET_NS;
}

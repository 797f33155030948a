/* SPDX-License-Identifier: MIT */
/*
 * release_policy.c - see release_policy.h.
 */
#include <config.h>

#include "upkeep/release_policy.h"

#define NS_PER_MS		1000000ull
#define LOOK_LEAST_NS		(5 * NS_PER_MS)
#define LOOK_IN_NEED_NS		(50 * NS_PER_MS)
/* pages that may be wanted again are worth more than room */
#define LATENCY_FACTOR		10
#define MEMORY_DIVISOR		8
#define SOON_DIVISOR		4
#define TICK_NS			(2 * NS_PER_MS)

uint64_t release_policy_decay_ns(enum option_release mode, uint64_t decay_ms)
{
	uint64_t ns = decay_ms * NS_PER_MS;

	if (mode == RELEASE_MODE_LATENCY)
		return ns * LATENCY_FACTOR;
	return mode == RELEASE_MODE_MEMORY ? ns / MEMORY_DIVISOR : ns;
}

void release_policy_set(struct release_policy *policy, enum option_release mode,
			uint64_t decay_ms)
{
	policy->decay_ns = release_policy_decay_ns(mode, decay_ms);
	policy->parts = mode != RELEASE_MODE_LATENCY;
}

void release_policy_begin(struct release_policy *policy, enum option_release mode,
			  uint64_t decay_ms)
{
	*policy = (struct release_policy){ .urgency = RELEASE_CALM };
	release_policy_set(policy, mode, decay_ms);
}

static uint64_t between_looks(const struct release_policy *policy)
{
	uint64_t ns = policy->decay_ns / (RELEASE_POLICY_LOOKS - 1);

	if (policy->urgency == RELEASE_SOON)
		ns /= SOON_DIVISOR;
	if (policy->urgency == RELEASE_NOW && ns > LOOK_IN_NEED_NS)
		ns = LOOK_IN_NEED_NS;
	return ns > LOOK_LEAST_NS ? ns : LOOK_LEAST_NS;
}

bool release_policy_look(struct release_policy *policy, uint64_t now_ns,
			 enum release_urgency urgency)
{
	bool hurries = urgency > policy->urgency;

	policy->urgency = urgency;
	/* The decay may have become shorter since. */
	if (policy->look_ns > now_ns + between_looks(policy))
		policy->look_ns = now_ns + between_looks(policy);
	if (!hurries && now_ns < policy->look_ns)
		return false;
	policy->look_ns = now_ns + between_looks(policy);
	return true;
}

uint64_t release_policy_sleep(const struct release_policy *policy, uint64_t now_ns)
{
	return policy->look_ns > now_ns ? policy->look_ns - now_ns : 0;
}

uint32_t release_policy_age(const struct release_policy *policy,
			    uint32_t quiet[RELEASE_POLICY_LOOKS], uint32_t idle, uint32_t touched)
{
	unsigned i;

	for (i = RELEASE_POLICY_LOOKS - 1; i > 0; i--)
		quiet[i] = quiet[i - 1] & idle & ~touched;
	quiet[0] = idle;
	if (policy->urgency == RELEASE_NOW || !policy->decay_ns)
		return idle;
	return quiet[RELEASE_POLICY_LOOKS - 1];
}

bool release_policy_age_one(const struct release_policy *policy, uint8_t *looks)
{
	*looks = (uint8_t)(*looks + (*looks < RELEASE_POLICY_LOOKS));
	return policy->urgency == RELEASE_NOW || !policy->decay_ns ||
	       *looks == RELEASE_POLICY_LOOKS;
}

bool release_policy_goes_on(uint64_t began_ns, uint64_t now_ns)
{
	return now_ns - began_ns < TICK_NS;
}

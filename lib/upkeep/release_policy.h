/* SPDX-License-Identifier: MIT */
/*
 * release_policy.h - when memory that is not used goes back, in what order, and how much at
 * once: numbers in, numbers out, the clock included, so that it is tested without a kernel.
 * Called by the helper.
 */
#ifndef HAKMEM_UPKEEP_RELEASE_POLICY_H
#define HAKMEM_UPKEEP_RELEASE_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "support/options.h"

/* What was idle and untouched at so many looks, the first and last a decay apart, is due. */
#define RELEASE_POLICY_LOOKS	4

/* How scarce memory is, for the decay. */
enum release_urgency { RELEASE_CALM, RELEASE_SOON, RELEASE_NOW };

struct release_policy {
	uint64_t decay_ns;
	bool parts;		/* of huge pages, too */
	uint64_t look_ns;	/* when the next look is due */
	enum release_urgency urgency;
};

/* How long memory stays free, as the options say: decay_ms, scaled by release. */
uint64_t release_policy_decay_ns(enum option_release mode, uint64_t decay_ms);

void release_policy_begin(struct release_policy *policy, enum option_release mode,
			  uint64_t decay_ms);

/* The options may have changed. */
void release_policy_set(struct release_policy *policy, enum option_release mode,
			uint64_t decay_ms);

/* True: it is time for a look. One that was missed is not made up for. */
bool release_policy_look(struct release_policy *policy, uint64_t now_ns,
			 enum release_urgency urgency);

/* How long until the next look. */
uint64_t release_policy_sleep(const struct release_policy *policy, uint64_t now_ns);

/*
 * One look at a set of up to 32 things. quiet[i]: idle and untouched for i looks; idle: now;
 * touched: since the last look. Returns which are due.
 */
uint32_t release_policy_age(const struct release_policy *policy,
			    uint32_t quiet[RELEASE_POLICY_LOOKS], uint32_t idle,
			    uint32_t touched);

/* The same for one thing. *looks: those that it was idle at, 0 when it was touched. */
bool release_policy_age_one(const struct release_policy *policy, uint8_t *looks);

/* False: the helper has other work to look at, before more is released in its own time. */
bool release_policy_goes_on(uint64_t began_ns, uint64_t now_ns);

#endif

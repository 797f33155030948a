/* SPDX-License-Identifier: MIT */
/*
 * profile.h - whether a heap profile is taken, how often it samples, and the memory that it
 * needs. That is mapped when the first one begins, once a process, and serves all later ones.
 *
 * Who may run with whom: profile_begin, profile_end one at a time (the caller's affair);
 * everybody reads, at any time.
 */
#ifndef HAKMEM_PROFILE_PROFILE_H
#define HAKMEM_PROFILE_PROFILE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "support/compiler.h"

/* bytes for each of which one is sampled, at the mean */
#define PROFILE_INTERVAL	(512 * KiB)
#define PROFILE_INTERVAL_LEAST	((size_t)1)
#define PROFILE_INTERVAL_MOST	((size_t)1 << 40)

struct profile_state {
	/* 0: off. relaxed: a thread may see it late. */
	_Atomic size_t interval_bytes;
	/* Of the last one that began; release: pairs with the acquire in profile_generation */
	_Atomic uint32_t generation;
	/*
	 * Never above the interval, whatever it costs; else a thread that would be held up samples
	 * less.
	 */
	_Atomic bool is_exact;
	_Atomic uint64_t begun_ns, ended_ns;
};

extern struct profile_state profile_state HIDDEN;

static inline bool profile_is_on(void)
{
	return atomic_load_explicit(&profile_state.interval_bytes, memory_order_relaxed) != 0;
}

/* It changes when one begins: draws of the last one are of no use then. */
static inline uint32_t profile_generation(void)
{
	return atomic_load_explicit(&profile_state.generation, memory_order_acquire);
}

/*
 * interval_bytes: where it is the default, samples are fewer as soon as they would take more than a
 * hundredth of a thread's time. What was counted before is forgotten, what lives and was sampled is
 * kept. False: no memory.
 */
bool profile_begin(size_t interval_bytes);
void profile_end(void);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * seizure.h - taking from a thread's cache while the thread does not use it: what a thread
 * keeps for its next allocations must not be pinned by its sleeping. The thread pays for it
 * with two stores of its own memory in malloc, and waits for nobody.
 *
 * Who may run with whom:
 *                        the cache's thread      who seizes
 *   popping (malloc)      not with seizure_take   sees working and gives up
 *   pushing (free)        yes: at any time        takes what lies below
 *   slow paths            borrow another cache    -
 *
 * seizure_take:  1 hold: OWNED -> SEIZED           slow paths keep out from here on
 *                2 a barrier in all threads: a slow path that did not see 1 is seen working
 *                3 close: every size step leads to a bin that is always empty
 *                4 a barrier: a pop that did not see 3 is seen working
 *                  working? then give up; no block has been touched
 * Then, to empty it: the top of each bin is read, a barrier, and the blocks below are taken. What
 * is pushed meanwhile lies above them.
 * The thread, at its next slow path: RESTING -> OWNED, opens the steps, closes the gaps.
 *
 * A thread that sleeps in a signal handler in the middle of a pop keeps its cache; it is
 * counted as pinned. Modelled in tests/model/.
 */
#ifndef HAKMEM_FRONT_SEIZURE_H
#define HAKMEM_FRONT_SEIZURE_H

#include <stdbool.h>

#include "front/thread_cache.h"

/* Takes hold of a cache; false: it is in use. */
bool seizure_take(struct thread_cache *cache);
void seizure_put(struct thread_cache *cache);

/* True: the thread has asked for its cache since it was seized. */
bool seizure_is_wanted_back(struct thread_cache *cache);

/* Asked between batches: is it time to stop? */
typedef bool seizure_is_over(struct thread_cache *cache);

/*
 * Puts what the bins hold into the slabs, and wholly free slabs back. What is left when it
 * is over comes with the next call, or the thread has it again. Returns the bytes that went.
 */
size_t seizure_empty(struct thread_cache *cache, seizure_is_over *is_over);

/* For the thread, which finds its cache seized. */
void seizure_want_back(struct thread_cache *cache);

#endif

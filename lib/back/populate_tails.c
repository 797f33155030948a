/* SPDX-License-Identifier: MIT */
/*
 * populate_tails.c - see populate_tails.h. By small pages: what is in use is never armed, so
 * not by userfaultfd; unit by unit, since the kernel holds the mmap lock.
 */
#include <config.h>

#include "back/populate_tails.h"

#include "back/populate_fill.h"
#include "back/superslab.h"
#include "os/vm.h"

#define MOST		16	/* superslabs … */
#define FROM_FAST	6	/* … once there are so many in all … */
#define FROM_SLOW	64	/* … or so many, if they come one by one */
#define AT_ONCE_FAST	4	/* before threads are there themselves */

void populate_tails_begin(struct populate_tails *tails, unsigned home, uint32_t superslabs)
{
	tails->home = home;
	tails->end = superslabs < MOST ? superslabs : MOST;
}

static void populate_next(struct populate_tails *tails)
{
	uint32_t units, first = tails->next * SUPERSLAB_UNITS;
	const struct superslab *superslab = superslab_at(tails->next++);

	if (atomic_load_explicit(&superslab->home, memory_order_relaxed) != tails->home)
		return;
	units = atomic_load_explicit(&superslab->populated, memory_order_relaxed);
	for (; units; units &= units - 1)
		vm_populate(reservation_unit_start(first + (unsigned)__builtin_ctz(units)),
			    UNIT_SIZE);
}

void populate_tails_tick(struct populate_tails *tails, uint32_t superslabs, bool grows_fast)
{
	unsigned i, most = grows_fast ? AT_ONCE_FAST : 1;

	if (tails->next >= tails->end || superslabs < (grows_fast ? FROM_FAST : FROM_SLOW) ||
	    !populate_fill_reach(tails->home))
		return;
	for (i = 0; i < most && tails->next < tails->end; i++)
		populate_next(tails);
}

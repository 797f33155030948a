/* SPDX-License-Identifier: MIT */
/*
 * guarded.c - see guarded.h.
 */
#include <config.h>

#include "front/guarded.h"

#include <stdatomic.h>
#include <stdint.h>

#include "back/large.h"
#include "back/large_gap.h"
#include "back/large_owner.h"
#include "front/large_block.h"
#include "front/misuse.h"
#include "os/vm.h"

#define GAP_UNITS_MOST	15
#define FREED_BLOCKS	32
#define FREED_BYTES_MAX	(64 * MiB)	/* what is larger goes back at once: its pages are gone */

static _Atomic(void *) freed[FREED_BLOCKS];	/* NULL: the place is empty */
static _Atomic uint32_t next;			/* relaxed: any order will do */
static _Atomic bool guards_exist;		/* relaxed: set before any block has one */

static size_t run_bytes(const char *verb, void *block)
{
	size_t bytes;

	if (unlikely(large_look_up(block, &bytes) != LARGE_BLOCK))
		misuse_explain(verb, block);
	return bytes;
}

static int guard(void *start, size_t bytes)
{
	int error = vm_guard(start, bytes);

	if (!error)
		atomic_store_explicit(&guards_exist, true, memory_order_relaxed);
	return error;
}

/* So that who knows where one block is knows nothing of the next. */
static size_t gap_of(size_t bytes, uint64_t random)
{
	return random % (min_size(bytes / UNIT_SIZE / 2, GAP_UNITS_MOST) + 1) * UNIT_SIZE;
}

void *guarded_take(struct thread_cache *cache, size_t bytes, size_t alignment, uint64_t random,
		   size_t *dirty_bytes)
{
	size_t usable, behind = vm_page_size() + gap_of(bytes, random);
	void *block;

	if (bytes > PTRDIFF_MAX - SUPERSLAB_SIZE)
		return NULL;
	usable = guarded_bytes_of(bytes);
	block = large_block_take(cache, usable + behind, alignment, dirty_bytes);
	if (!block && guarded_flush())
		block = large_block_take(cache, usable + behind, alignment, dirty_bytes);
	if (!block)
		return NULL;
	large_gap_set(block, (uint32_t)(behind / UNIT_SIZE));
	/* Refused before Linux 6.13: then there is none. */
	guard((char *)block + usable, behind);
	return block;
}

size_t guarded_bytes_of(size_t bytes)
{
	return align_up(bytes + vm_page_size(), UNIT_SIZE) - vm_page_size();
}

/* False: its guards stay, as under a filter that came later, so nobody can have it. */
static bool guarded_put(void *block)
{
	size_t run = run_bytes("free", block);

	if (vm_unguard(block, run) && atomic_load_explicit(&guards_exist, memory_order_relaxed))
		return false;
	if (unlikely(large_put(block) != LARGE_BLOCK))
		misuse_explain("free", block);
	return true;
}

/* Until its guards can be removed. Without a place for it it is lost. */
static void put_or_keep(void *block)
{
	bool settled = guarded_put(block);
	unsigned i;

	for (i = 0; !settled && i < FREED_BLOCKS; i++) {
		void *empty = NULL;

		settled = atomic_compare_exchange_strong_explicit(&freed[i], &empty, block,
								  memory_order_acq_rel,
								  memory_order_relaxed);
	}
}

static bool is_freed(const void *block)
{
	unsigned i;

	for (i = 0; i < FREED_BLOCKS; i++)
		if (atomic_load_explicit(&freed[i], memory_order_relaxed) == block)
			return true;
	return false;
}

static void refuse_freed(const void *block)
{
	if (unlikely(is_freed(block)))
		misuse_double_free_large(block);
}

void guarded_free(void *block)
{
	size_t run;
	void *older;

	refuse_freed(block);
	run = run_bytes("free", block);
	/* A heap that is destroyed must not find what waits here. */
	large_owner_set(block, 0);
	/* A guard drops the pages below it: this is the zeroing, too. */
	if (guard(block, run))
		vm_drop(block, run);
	if (run > FREED_BYTES_MAX) {
		put_or_keep(block);
		return;
	}
	/* acquire and release: who puts the older one back sees what its freer did */
	older = atomic_exchange_explicit(
		&freed[atomic_fetch_add_explicit(&next, 1, memory_order_relaxed) % FREED_BLOCKS],
		block, memory_order_acq_rel);
	if (older)
		put_or_keep(older);
}

size_t guarded_usable_size(const char *verb, void *block)
{
	refuse_freed(block);
	return run_bytes(verb, block) - large_gap_bytes(block) - vm_page_size();
}

bool guarded_flush(void)
{
	bool any = false;
	unsigned i;

	for (i = 0; i < FREED_BLOCKS; i++) {
		void *block = atomic_exchange_explicit(&freed[i], NULL, memory_order_acq_rel);

		if (block) {
			put_or_keep(block);
			any = true;
		}
	}
	return any;
}

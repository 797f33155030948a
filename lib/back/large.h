/* SPDX-License-Identifier: MIT */
/*
 * large.h - blocks above 1 MiB and those aligned to more than 2 MiB: runs of 64 KiB units,
 * reused before new ones are opened, grown in place where the neighbour is free.
 *
 * Who may run with whom: anyone with anyone, under the large lock; no system call and no
 * touch of heap memory happens under it. What is being released or moved is in no list.
 */
#ifndef HAKMEM_BACK_LARGE_H
#define HAKMEM_BACK_LARGE_H

#include <stdbool.h>
#include <stddef.h>

#include "back/reservation.h"
#include "os/lock.h"
#include "os/node.h"

enum large_lookup {
	LARGE_NOT_OURS,		/* not in the large range */
	LARGE_BLOCK,		/* the start of a live block */
	LARGE_INSIDE,		/* inside a live block */
	LARGE_FREED,		/* where a block started that has been freed */
	LARGE_UNUSED,		/* other free memory of the range */
};

/*
 * alignment: a power of two. *dirty_bytes: from there on the block is untouched and reads
 * as zero. NULL: no memory.
 */
void *large_take_at(unsigned home, size_t bytes, size_t alignment, size_t *dirty_bytes);

/* Of the calling thread's home. */
static inline void *large_take(size_t bytes, size_t alignment, size_t *dirty_bytes)
{
	return large_take_at(topology_has_homes() ? node_home() : 0, bytes, alignment, dirty_bytes);
}

/* LARGE_BLOCK: it is free now. Anything else: nothing happened. */
enum large_lookup large_put(void *block);

/* What an address in the heap is; *bytes: of a live block, a multiple of 64 KiB. */
enum large_lookup large_look_up(const void *address, size_t *bytes);

/* Makes a live block bytes long without moving it. False: there is no room behind it. */
bool large_resize_in_place(void *block, size_t bytes);

/*
 * The inverses of superslab_receive and superslab_give: units that nobody else uses become
 * a free run; a free superslab leaves the range, of a home or of NODE_EVERYWHERE's, that is any;
 * dirty: its units that hold something. False: no memory, or no such run.
 */
bool large_receive(struct chunk chunk);
bool large_give(unsigned home, struct chunk *chunk, uint32_t *dirty);

/* Gives the memory of free runs back to the system; returns the bytes. */
size_t large_trim(void);

/* Bytes of live blocks, and their number. Takes no lock. */
size_t large_live_bytes(size_t *blocks);

/* Since the start: out of another home than wished for. */
size_t large_spilled_bytes(void);

struct lock *large_fork_lock(void);
void large_lock(void);
void large_unlock(void);

#endif

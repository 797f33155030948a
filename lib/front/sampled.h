/* SPDX-License-Identifier: MIT */
/*
 * sampled.h - the blocks that a profile has sampled. They live in heaps of their own, which no
 * thread owns: so free finds them in its slow path, exactly these, and looks at no block for it.
 *
 * A small block has a twin: the one that would have been handed out. It is kept, untouched, as
 * long as the sample lives: so what a sample says of where its kind lies is true of the ordinary
 * slabs, too.
 *
 * Who may run with whom: anyone with anyone; who works in a cache gives it.
 */
#ifndef HAKMEM_FRONT_SAMPLED_H
#define HAKMEM_FRONT_SAMPLED_H

#include <stddef.h>

#include "front/thread_cache.h"

#define SAMPLED_TWIN_BYTES	4096	/* blocks up to so large have one */

/* In place of a block that was taken for so many bytes; the block itself where it cannot be. */
void *sampled_take(struct thread_cache *cache, unsigned class, size_t asked, void *block);

/* A block above the classes' sizes may be sampled where it is. */
void sampled_judge_large(struct thread_cache *cache, void *block, size_t asked);
/* It is freed, moved or resized: if it was sampled, that ends. */
void sampled_drop_large(void *block);

/*
 * A block of a heap that is kept apart is freed; *twin, if it has one, is to be. False: it is not
 * ours.
 */
bool sampled_free(struct heap *owner, void *block, void **twin);

#endif

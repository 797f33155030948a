/* SPDX-License-Identifier: MIT */
/*
 * hardened.h - hardened:true. Its threads have no small_size_limit and own no bin, and the
 * span is empty, so every call takes the slow path and ends here; the fast paths know nothing
 * of it.
 *
 * Blocks come straight from slabs, at random places; each ends in a canary (canary.h); freed
 * ones are zeroed and wait in quarantine (quarantine.h); large ones have guards (guarded.h).
 * What was allocated before the options were read lies in a frozen heap, as after a fork.
 *
 * Who may run with whom: anyone with anyone; what a thread frees waits with that thread.
 */
#ifndef HAKMEM_FRONT_HARDENED_H
#define HAKMEM_FRONT_HARDENED_H

#include <stdbool.h>
#include <stddef.h>

/* Once, by the constructor, while the process has one thread; before it nothing is hardened. */
void hardened_begin(void);

/* alignment: a power of two. NULL, without errno: no memory. */
void *hardened_take(size_t alignment, size_t bytes, bool zeroed);
/* The same out of a cache that the caller works in. */
struct thread_cache;
void *hardened_take_from(struct thread_cache *cache, size_t alignment, size_t bytes, bool zeroed);

/* What a block for so many bytes will hold. */
size_t hardened_bytes_of(size_t alignment, size_t bytes);

/* An address of the heap, aligned to 16 bytes. */
void hardened_free(void *block);

/* verb: for the message. */
size_t hardened_usable_size(const char *verb, void *block);

/* The block's size class need not be that of bytes after a realloc; larger is misuse. */
void hardened_check_size(void *block, size_t bytes);

#endif

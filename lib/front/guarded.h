/* SPDX-License-Identifier: MIT */
/*
 * guarded.h - large blocks under hardened:true: the page behind each is a guard, and so is
 * all of it for a while after it was freed (MADV_GUARD_INSTALL, Linux 6.13; without it freed
 * pages are dropped, and there is no guard). A touch of a guard is a SIGSEGV.
 *
 * Who may run with whom: anyone with anyone, without a lock.
 */
#ifndef HAKMEM_FRONT_GUARDED_H
#define HAKMEM_FRONT_GUARDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct thread_cache;

/*
 * NULL, without errno: no memory. random: decides how far it is to the next block. *dirty_bytes:
 * so much from its start may not be zero.
 */
void *guarded_take(struct thread_cache *cache, size_t bytes, size_t alignment, uint64_t random,
		   size_t *dirty_bytes);

/* What a block for so many bytes will hold. */
size_t guarded_bytes_of(size_t bytes);

/* A pointer that is no live large block is misuse: a message, then abort. */
void guarded_free(void *block);

/* What the program may use of it; misuse as above. verb: for the message. */
size_t guarded_usable_size(const char *verb, void *block);

/* Those that were freed go back; returns whether there were any. */
bool guarded_flush(void);

#endif

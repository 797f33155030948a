/* SPDX-License-Identifier: MIT */
/*
 * One piece of advice about many ranges in one call: process_madvise on ourselves, which
 * flushes translations once for all of them. Called by release*, by one thread.
 */
#ifndef HAKMEM_MADVISE_VECTOR_H
#define HAKMEM_MADVISE_VECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

#define MADVISE_VECTOR_MOST 64

struct madvise_vector {
	int process; /* a pidfd of ours; -1: the kernel refuses */
};

/* Asks the kernel whether it drops pages for us (6.13); 0, or -errno: why not. */
int madvise_vector_open(struct madvise_vector *vector);

/*
 * Returns how many ranges were done, from the first on, or -errno if none was. Those behind
 * may have been begun.
 */
int madvise_vector_call(const struct madvise_vector *vector, const struct iovec *ranges,
			unsigned int count, int advice);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * sample_table.h - the sampled blocks that live, by address.
 *
 * Who may run with whom: anyone with anyone, without a lock; a block is added once it is
 * allocated, and taken out by whoever frees it.
 */
#ifndef HAKMEM_PROFILE_SAMPLE_TABLE_H
#define HAKMEM_PROFILE_SAMPLE_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define SAMPLE_TABLE_SAMPLES	131072u

struct sample {
	_Atomic uintptr_t block;	/* 0: none. release: the rest is written */
	void *twin;			/* see front/sampled.h; NULL: none */
	uint64_t asked_bytes;
	uint64_t objects;		/* that it stands for, in SAMPLING_UNITths */
	uint64_t born_ns;		/* CLOCK_MONOTONIC */
	uint32_t stack;			/* its number */
	_Atomic uint32_t next;		/* unused: number + 1 of the next one */
};

/* What a sample says, for who does not own it. */
struct sample_copy {
	uintptr_t block;
	void *twin;
	uint64_t asked_bytes, objects, born_ns;
	uint32_t stack;
};

/* Maps it. False: no memory. */
bool sample_table_begin(void);

/* False: it is full. */
bool sample_table_add(const struct sample_copy *sample);
/* False: the block is none. */
bool sample_table_take(void *block, struct sample_copy *sample);

/* Places that were ever used. */
uint32_t sample_table_places(void);
/* What found no room, since the start. */
uint64_t sample_table_dropped(void);
/* False: nothing lives there, or it has just been freed. */
bool sample_table_read(uint32_t place, struct sample_copy *sample);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * superslab.h - 2 MiB of the heap, aligned, cut into 32 units of 64 KiB; slabs are runs of
 * units. The whole process takes slabs from them and puts them back.
 *
 * Who may run with whom: anyone with anyone, under the superslab lock; no system call and
 * no touch of heap memory happens under it.
 */
#ifndef HAKMEM_BACK_SUPERSLAB_H
#define HAKMEM_BACK_SUPERSLAB_H

#include <stdbool.h>
#include <stdint.h>

#include "back/reservation.h"

/* Room for what the middle layer notes of a unit (struct slab); zero until first used. */
#define UNIT_RECORD_BYTES	576

struct unit_record {
	uint64_t words[UNIT_RECORD_BYTES / 8];
};

/* taken + free = 32 units; a unit is dirty from when it is taken until it is released. */
struct superslab {
	uint32_t free_units;	/* a bit a unit; by superslab lock */
	uint32_t dirty_units;	/* by superslab lock */
	uint32_t next, previous;/* index + 1 in the list of its free count; by superslab lock */
	uint64_t reserved[6];
	struct unit_record records[SUPERSLAB_UNITS];
};

_Static_assert(sizeof(struct superslab) == SUPERSLAB_RECORD_BYTES, "reservation.c opens so many");
_Static_assert(sizeof(struct superslab) % 64 == 0, "records stay on cache lines");

static inline struct superslab *superslab_at(size_t index)
{
	return (struct superslab *)reservation.anchor - (index + 1);
}

static inline struct unit_record *superslab_unit_record(size_t unit)
{
	return &superslab_at(unit / SUPERSLAB_UNITS)->records[unit % SUPERSLAB_UNITS];
}

/*
 * A run of units whose first is a multiple of alignment (a power of two, at most 32).
 * *zeroed: nobody has written to it since the kernel gave it. UNIT_NONE: no memory.
 */
uint32_t superslab_take_slab(unsigned units, unsigned alignment, bool *zeroed);

void superslab_put_slab(uint32_t unit, unsigned units);

/*
 * Memory changes hands when the address space is used up. Adjacent superslabs that are
 * wholly free cease to be ones; false: there are no such. The inverse makes superslabs of
 * units that nobody else uses.
 */
bool superslab_give(uint32_t superslabs, struct chunk *chunk);
void superslab_receive(struct chunk chunk);

/* Gives the memory of free units back to the system; returns the bytes. */
size_t superslab_trim(void);

/* Superslabs carved so far: indices below it may be walked. */
uint32_t superslab_count(void);

void superslab_lock(void);
void superslab_unlock(void);

#endif

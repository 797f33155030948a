/* SPDX-License-Identifier: MIT */
/*
 * superslab.h - 2 MiB of the heap, aligned, cut into 32 units of 64 KiB; slabs are runs of
 * units. The whole process takes slabs from them and puts them back.
 *
 * Who may run with whom: anyone with anyone.
 *
 *   superslab_take_free, _take_anywhere, _give, _receive    application threads: they take the lock
 *   everything else                                         anyone, the helper included: no lock
 *
 * No system call and no touch of heap memory happens under the lock.
 */
#ifndef HAKMEM_BACK_SUPERSLAB_H
#define HAKMEM_BACK_SUPERSLAB_H

#include <stdbool.h>
#include <stdint.h>

#include "back/superslab_record.h"
#include "back/superslab_run.h"
#include "os/lock.h"

/*
 * For superslab_take.c: a run out of what is there; *grows: it came out of the stock, or none
 * did. And where no more can be opened: out of whoever's home, charged to nobody.
 */
uint32_t superslab_take_free(struct superslab_wish wish, bool *zeroed, bool *grows);
uint32_t superslab_take_anywhere(struct superslab_wish wish, bool *zeroed);

void superslab_put_slab(uint32_t unit, unsigned units);

/*
 * Superslabs with units that were put since the last call: index + 1 of the first, chained by
 * idle_link, which is the caller's (the helper's) until it leaves the superslab. What is put
 * meanwhile is seen in touched; what is put later comes with the next call.
 */
uint32_t superslab_take_idle(void);
void superslab_leave_idle(uint32_t index);
/* There is something for the next call. */
void superslab_note_idle(uint32_t index);

/*
 * Memory changes hands when the address space is used up. Adjacent superslabs that are
 * wholly free cease to be ones; false: there are no such. The inverse makes superslabs of
 * units that nobody else uses; dirty: the units of each that hold something.
 */
bool superslab_give(uint32_t superslabs, struct chunk *chunk);
void superslab_receive(struct chunk chunk, uint32_t dirty);

/* With the lock: one that was opened and never used. */
void superslab_enter_bare(uint32_t index, unsigned home);

/* What is in stock becomes free memory like any other. */
void superslab_take_stock(void);

/* Superslabs carved so far: indices below it may be walked. */
uint32_t superslab_count(void);
extern uint32_t superslab_end HIDDEN;	/* the same, for hak_outline alone */

/* In slabs, since the start: out of another home than wished for. */
size_t superslab_spilled_bytes(void);

struct lock *superslab_fork_lock(void);

/* In a fork's child, with the lock: what others had in hand is free again. */
void superslab_after_fork_in_child(void);

#endif

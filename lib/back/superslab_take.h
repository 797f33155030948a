/* SPDX-License-Identifier: MIT */
/*
 * superslab_take.h - a slab for whoever needs one: out of a superslab that is there, out of the
 * large range where much of the heap lies free, or out of what the frontier opens.
 *
 * Who may run with whom: anyone with anyone, without a lock: more is opened by a system call.
 */
#ifndef HAKMEM_BACK_SUPERSLAB_TAKE_H
#define HAKMEM_BACK_SUPERSLAB_TAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "back/superslab_record.h"

/*
 * A run of units whose first is a multiple of alignment (a power of two, at most 32), of the
 * home unless that can have no more. *zeroed: nobody has written to it since the kernel gave it.
 * UNIT_NONE: no memory. superslab_put_slab is the inverse.
 *
 * kind: 1 … 255, of what is needed much alike; 0: nothing is known. Of free units with pages a
 * single one goes first that was of the same kind: it has pages there where they are needed.
 */
uint32_t superslab_take_slab(unsigned units, unsigned alignment, unsigned home, unsigned kind,
			     bool *zeroed);

#endif

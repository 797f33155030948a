/* SPDX-License-Identifier: MIT */
/*
 * outline.h - hak_outline, by which hakctl finds the counts of a process that has no helper; see
 * hakmem/control.h. The shape is what both must agree on; outline.c and hakctl/client/outside.c
 * include it.
 *
 * Who may run with whom: nothing here is ever written; what it names is read from outside, at any
 * moment.
 */
#ifndef HAKMEM_CONTROL_OUTLINE_H
#define HAKMEM_CONTROL_OUTLINE_H

#include <stddef.h>
#include <stdint.h>

#include <hakmem/control.h>

#include "back/large_count.h"
#include "back/reservation.h"
#include "back/superslab_record.h"
#include "front/thread_cache.h"
#include "middle/heap.h"
#include "support/options.h"
#include "support/size_class.h"

/*
 * A change to a struct that is read from outside changes it, but for one that keeps all sizes and
 * places.
 */
#define OUTLINE_SHAPE                                                                              \
	{                                                                                          \
		sizeof(struct thread_cache), offsetof(struct thread_cache, owners),                \
		offsetof(struct thread_cache, slots), offsetof(struct thread_cache, seized.taken), \
		offsetof(struct thread_cache, heap), offsetof(struct heap, hold),                  \
		offsetof(struct heap, counts), offsetof(struct heap, next),                        \
		sizeof(struct heap_count), sizeof(struct bin_slots), sizeof(struct superslab),     \
		offsetof(struct superslab, populated), offsetof(struct superslab, due),            \
		sizeof(struct reservation), sizeof(struct large_count_totals),                     \
		sizeof(struct options), offsetof(struct options, control_folder), CLASS_COUNT,     \
	}

#endif

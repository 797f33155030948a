/* SPDX-License-Identifier: MIT */
/*
 * mallctl_arenas.c - see mallctl_arenas.h: a table of heaps by number.
 */
#include <config.h>

#include "jemalloc/mallctl_arenas.h"

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include <hakmem/hakmem.h>

#include "support/compiler.h"

#define NUMBERS	4095	/* as many as the flags of mallocx can name */

/* A place of the table that somebody is filling or emptying. */
static char busy;
#define BUSY	((struct hak_heap *)(void *)&busy)

/* seq_cst: places are taken by one compare-and-swap and seldom looked at. */
static _Atomic(struct hak_heap *) heaps[NUMBERS] SPARSE;
static _Atomic size_t highest;	/* number that was ever made; it only grows */

size_t mallctl_arenas_count(void)
{
	return atomic_load(&highest) + 1;
}

static void note_highest(size_t number)
{
	size_t known = atomic_load(&highest);

	while (known < number && !atomic_compare_exchange_weak(&highest, &known, number))
		;
}

size_t mallctl_arenas_create(void)
{
	struct hak_heap *heap = hak_heap_create(0);
	size_t number;

	for (number = 1; heap && number < NUMBERS; number++) {
		struct hak_heap *none = NULL;

		if (!atomic_compare_exchange_strong(&heaps[number], &none, heap))
			continue;
		note_highest(number);
		return number;
	}
	hak_heap_destroy(heap);
	return 0;
}

static struct hak_heap *heap_of(size_t number)
{
	struct hak_heap *heap = number && number < NUMBERS ? atomic_load(&heaps[number]) : NULL;

	return heap == BUSY ? NULL : heap;
}

bool mallctl_arenas_has(size_t number)
{
	return heap_of(number) != NULL;
}

bool mallctl_arenas_is_whole_heap(size_t number)
{
	return number == 0 || number == MALLCTL_ARENAS_ALL || number == mallctl_arenas_count();
}

bool mallctl_arenas_is_known(size_t number)
{
	return mallctl_arenas_is_whole_heap(number) || number < mallctl_arenas_count();
}

/* Takes a heap out of its place, which stays taken; NULL: there is none. */
static struct hak_heap *take_out(size_t number)
{
	struct hak_heap *heap = heap_of(number);

	if (!heap || !atomic_compare_exchange_strong(&heaps[number], &heap, BUSY))
		return NULL;
	hak_heap_destroy(heap);
	return heap;
}

bool mallctl_arenas_destroy(size_t number)
{
	if (!take_out(number))
		return false;
	atomic_store(&heaps[number], NULL);
	return true;
}

bool mallctl_arenas_reset(size_t number)
{
	if (!take_out(number))
		return false;
	atomic_store(&heaps[number], hak_heap_create(0));
	return true;
}

void *mallctl_arenas_take(size_t number, size_t size, int flags)
{
	struct hak_heap *heap = heap_of(number);

	return heap ? hak_heap_allocx(heap, size, flags) : hak_mallocx(size, flags);
}

void *mallctl_arenas_resize(size_t number, void *block, size_t size, int flags)
{
	size_t alignment = (size_t)1 << (flags & 63), bytes, old_bytes;
	char *moved;

	if (!mallctl_arenas_has(number))
		return hak_rallocx(block, size, flags);
	old_bytes = hak_sallocx(block, 0);
	if ((uintptr_t)block % alignment == 0) {
		bytes = hak_xallocx(block, size, 0, flags);
		if (bytes >= size && bytes / 2 <= size)
			return block;
	}
	moved = mallctl_arenas_take(number, size, flags & ~HAK_ZERO);
	if (!moved)
		return NULL;
	bytes = hak_sallocx(moved, 0);
	memcpy(moved, block, min_size(old_bytes, bytes));
	if (flags & HAK_ZERO && bytes > old_bytes)
		memset(moved + old_bytes, 0, bytes - old_bytes);
	hak_free(block);
	return moved;
}

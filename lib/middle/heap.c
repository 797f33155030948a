/* SPDX-License-Identifier: MIT */
/*
 * heap.c - see heap.h. Slabs come from back/superslab and go back there; what a free block
 * of their units should be pushed to is entered into reservation.bin_of_unit.
 */
#include <config.h>

#include "middle/heap.h"

#include <string.h>

#include "back/marked.h"
#include "back/superslab.h"
#include "middle/asked_sample.h"
#include "middle/slab_brought.h"
#include "middle/slab_guest.h"
#include "middle/slab_list.h"
#include "middle/slab_source.h"
#include "os/lock.h"
#include "support/invariant.h"
#include "support/options.h"

/* Empty slabs that a heap keeps, so that a loop around one slab's edge stays in the heap. */
#define EMPTY_UNITS_KEPT	16
#define EMPTY_UNITS_OF_ALL	64	/* so many heaps share these */

static struct lock list_lock;
static struct heap *idle_heaps;			/* by heap list lock */
_Atomic(struct heap *) heap_newest;		/* written by heap list lock, read by anyone */
static uint32_t heap_number;			/* by heap list lock */
_Atomic uint32_t heap_sent_alone[CLASS_COUNT];	/* relaxed: counts */

struct lock *heap_fork_lock(void)
{
	return &list_lock;
}

void heap_count_slab(struct heap *heap, unsigned class, uint32_t sign,
		     const struct slab *slab)
{
	struct heap_count *count = &heap->counts[class];
	uint32_t capacity = size_class_table[class].capacity;

	heap_count_add(&count->slabs, sign);
	heap_count_add(&count->free, sign * capacity);
	heap_count_add(&count->untouched, sign * (capacity - slab->untouched_from));
}

/*
 * class: CLASS_COUNT's bin is always full. Others read it at any time. Where the program has marked
 * memory it stays so: the record says the rest.
 */
static void set_bin(struct heap *heap, uint32_t unit, unsigned class)
{
	marked_enter(unit, heap->bins + class * HEAP_BIN_BYTES);
}

/* Enters a fresh slab into the heap; UNIT_NONE: no memory. */
static uint32_t take_slab(struct heap *heap, unsigned class, unsigned alignment_units)
{
	unsigned i, units = size_class_table[class].units;
	bool zeroed;
	uint32_t first;

	first = slab_source_take(units, alignment_units, heap->home, class + 1, &zeroed);
	if (first == UNIT_NONE)
		return UNIT_NONE;
	/* So that what is written to a freed block is seen when it is taken again. */
	if (unlikely(options.hardened) && !zeroed) {
		memset(reservation_unit_start(first), 0, units * UNIT_SIZE);
		zeroed = true;
	}
	slab_create(first, class, heap, zeroed);
	slab_unit(first)->brought = slab_brought_take(first, units);
	for (i = 0; i < units; i++)
		set_bin(heap, first + i, class);
	slab_list_push_head(&heap->available[class], first, slab_unit(first));
	heap->available[class].empty++;
	heap->empty_units += units;
	heap_count_slab(heap, class, 1, slab_unit(first));
	return first;
}

/* The inverse: a wholly free slab leaves the heap. */
static void put_slab(struct heap *heap, uint32_t first)
{
	struct slab *slab = slab_unit(first);
	unsigned i, units = slab_class(slab)->units;

	INVARIANT(heap->empty_units >= units);
	slab_list_remove(&heap->available[slab_class_number(slab)], slab);
	heap->available[slab_class_number(slab)].empty--;
	heap->empty_units -= units;
	heap_count_slab(heap, slab_class_number(slab), (uint32_t)-1, slab);
	slab_brought_drop(slab);
	for (i = 0; i < units; i++)
		reservation.bin_of_unit[first + i] = reservation.nobody;
	slab_destroy(first);
	superslab_put_slab(first, units);
}

/* count blocks were taken from a slab that was untouched from there on. */
static void note_taken(struct heap *heap, struct slab *slab, unsigned count,
		       uint32_t untouched_from)
{
	unsigned number = slab_class_number(slab);
	struct heap_count *counts = &heap->counts[number];
	const struct size_class *class = slab_class(slab);

	INVARIANT(count && slab->untouched_from >= untouched_from);
	if (slab->free_blocks + count == class->capacity) {
		INVARIANT(heap->empty_units >= class->units);
		heap->empty_units -= class->units;
		heap->available[number].empty--;
	}
	heap_stir(heap);
	heap->taken_of[number / 64] |= (uint64_t)1 << number % 64;
	heap_count_add(&counts->free, -count);
	heap_count_add(&counts->untouched, untouched_from - slab->untouched_from);
	slab_brought_use(slab, untouched_from, heap->number);
	if (slab->free_blocks == 0)
		slab_list_remove(&heap->available[number], slab);
}

/* Takes blocks from one slab of the heap and keeps the list true. */
static unsigned take_from(struct heap *heap, uint32_t first, void **blocks, unsigned count)
{
	struct slab *slab = slab_unit(first);
	uint32_t untouched_from = slab->untouched_from;

	count = slab_take_blocks(slab, first, blocks, count);
	note_taken(heap, slab, count, untouched_from);
	return count;
}

/*
 * A slab with guests has its blocks back at once: in a bin a guest would be taken for one of them,
 * which is much smaller, and kept for as long.
 */
unsigned heap_take_guests(struct heap *heap, uint32_t first, void **blocks, unsigned count,
			  unsigned length)
{
	struct slab *slab = slab_unit(first);
	unsigned taken = slab_guest_take(slab, first, blocks, count, length);

	if (taken) {
		note_taken(heap, slab, taken * length, slab->untouched_from);
		set_bin(heap, first, CLASS_COUNT);
	}
	return taken;
}

unsigned heap_take_blocks(struct heap *heap, unsigned class, void **blocks, unsigned count)
{
	unsigned taken = 0;

	while (taken < count) {
		uint32_t link = heap->available[class].head;
		uint32_t first = index_from_link(link);

		if (!link) {
			/*
			 * What came from slabs so far is enough; a new slab is for an empty hand.
			 */
			if (taken)
				break;
			first = take_slab(heap, class, 1);
			if (first == UNIT_NONE)
				break;
		}
		taken += take_from(heap, first, blocks + taken, count - taken);
		if (slab_unit(first)->listed)
			break;	/* it kept its untouched part back */
	}
	return taken;
}

/* The least aligned kept slab that serves, of a class with one block a slab; 0: none. */
static uint32_t find_aligned(struct heap *heap, unsigned class, unsigned alignment_units)
{
	uint32_t link = heap->available[class].head, best = 0;

	/* All of them are empty: EMPTY_UNITS_KEPT at most. */
	for (; link; link = slab_unit(index_from_link(link))->next) {
		uint32_t first = index_from_link(link);

		if (first % alignment_units == 0 &&
		    (!best || (first & -first) < ((best - 1) & -(best - 1))))
			best = link;
	}
	return best;
}

void *heap_take_random_block(struct heap *heap, unsigned class, unsigned alignment_units,
			     uint64_t random, bool *zeroed)
{
	uint32_t link = alignment_units == 1 ? heap->available[class].head :
					       find_aligned(heap, class, alignment_units);
	uint32_t first = link ? index_from_link(link) : take_slab(heap, class, alignment_units);
	unsigned untouched_from;
	struct slab *slab;
	void *block;

	if (first == UNIT_NONE)
		return NULL;
	slab = slab_unit(first);
	untouched_from = slab->untouched_from;
	if (random) {
		block = slab_take_random_block(slab, first, random);
		note_taken(heap, slab, 1, untouched_from);
	} else {
		take_from(heap, first, &block, 1);
	}
	*zeroed = slab->zeroed && slab_block_index(slab, first, block) >= untouched_from;
	return block;
}

/* Of a crowd of heaps each keeps less: its number says how many there are, or more. */
static unsigned empty_units_kept(const struct heap *heap)
{
	return (unsigned)min_size(EMPTY_UNITS_OF_ALL / (heap->number + 1), EMPTY_UNITS_KEPT);
}

/* Puts the first of the blocks and those behind it that are of the same slab; returns how many. */
static unsigned put_run(struct heap *heap, void *const *blocks, unsigned count)
{
	uint32_t unit = reservation_unit_of(blocks[0]);
	uint32_t first = slab_first_unit(unit);
	struct slab *slab = slab_unit(first);
	const struct size_class *class = slab_class(slab);
	unsigned number = slab_class_number(slab);
	struct slab_list *list = &heap->available[number];
	unsigned free_before = slab->free_blocks, guests = slab_guests(slab);
	unsigned put = slab_put_blocks(slab, first, blocks, count);

	INVARIANT(put && atomic_load_explicit(&slab->heap, memory_order_relaxed) == heap);
	if (unlikely(guests && !slab_guests(slab)))
		set_bin(heap, first, number);
	asked_sample_drop_free(heap->counts, slab);
	heap_count_add(&heap->counts[number].free, slab->free_blocks - free_before);
	heap_stir(heap);
	if (!slab->listed)
		slab_list_push_head(list, first, slab);
	if (slab->free_blocks < class->capacity)
		return put;
	list->empty++;
	heap->empty_units += class->units;
	if (heap->empty_units > empty_units_kept(heap) || number == CLASS_ALIGNED_UNIT) {
		put_slab(heap, first);
	} else {
		slab_list_remove(list, slab);
		slab_list_push_tail(list, first, slab);
	}
	return put;
}

void heap_put_blocks(struct heap *heap, void *const *blocks, unsigned count)
{
	unsigned done = 0;

	while (done < count)
		done += put_run(heap, blocks + done, count - done);
}

/* Those that are empty lie behind all others: see put_run. */
static void put_empty_slabs_of(struct heap *heap, unsigned class)
{
	uint32_t link;

	while ((link = heap->available[class].tail) &&
	       slab_unit(index_from_link(link))->free_blocks == size_class_table[class].capacity)
		put_slab(heap, index_from_link(link));
}

void heap_put_empty_slabs(struct heap *heap)
{
	unsigned class;

	for (class = 0; class < CLASS_COUNT && heap->empty_units; class++)
		put_empty_slabs_of(heap, class);
}

void heap_create(struct heap *heap, char *bins, unsigned home)
{
	heap->bins = bins;
	heap->home = (uint16_t)home;
	lock_take(&list_lock);
	heap->number = heap_number++;
	heap->next = atomic_load_explicit(&heap_newest, memory_order_relaxed);
	/* release: pairs with the acquire in heap_visit_all */
	atomic_store_explicit(&heap_newest, heap, memory_order_release);
	lock_put(&list_lock);
}

static bool change_hold(struct heap *heap, uint32_t from, uint32_t to)
{
	/* acquire and release: see hold; seq_cst besides: see remote_free_visit_if_idle */
	return atomic_compare_exchange_strong_explicit(&heap->hold, &from, to,
						       memory_order_seq_cst,
						       memory_order_relaxed);
}

/* With the list lock. False: somebody works in it. */
static bool take_idle(struct heap *heap)
{
	if (!change_hold(heap, HEAP_IDLE, HEAP_OWNED))
		return false;
	if (heap->next_idle)
		heap->next_idle->previous_idle = heap->previous_idle;
	if (heap->previous_idle)
		heap->previous_idle->next_idle = heap->next_idle;
	else
		idle_heaps = heap->next_idle;
	return true;
}

struct heap *heap_adopt(unsigned home)
{
	struct heap *heap;

	lock_take(&list_lock);
	for (heap = idle_heaps; heap; heap = heap->next_idle)
		if (heap->home == home && take_idle(heap))
			break;
	lock_put(&list_lock);
	return heap;
}

void heap_abandon(struct heap *heap)
{
	lock_take(&list_lock);
	heap->previous_idle = NULL;
	heap->next_idle = idle_heaps;
	if (idle_heaps)
		idle_heaps->previous_idle = heap;
	idle_heaps = heap;
	/* Whoever has seized it finds out when he gives it back. */
	while (!change_hold(heap, HEAP_OWNED, HEAP_IDLE) &&
	       !change_hold(heap, HEAP_RESTING, HEAP_IDLE) &&
	       !change_hold(heap, HEAP_SEIZED, HEAP_VISITED))
		;
	lock_put(&list_lock);
}

bool heap_take_kept(struct heap *heap)
{
	return change_hold(heap, HEAP_IDLE, HEAP_OWNED);
}

void heap_put_kept(struct heap *heap)
{
	change_hold(heap, HEAP_OWNED, HEAP_IDLE);
}

static void drop_slab(struct heap *heap, uint32_t first)
{
	struct slab *slab = slab_unit(first);
	const struct size_class *class = slab_class(slab);
	unsigned number = slab_class_number(slab);

	asked_sample_drop_all(heap->counts, slab);
	heap_count_add(&heap->counts[number].free, class->capacity - slab->free_blocks);
	if (slab->free_blocks < class->capacity) {
		heap->empty_units += class->units;
		heap->available[number].empty++;
	}
	slab->free_blocks = class->capacity;
	if (!slab->listed)
		slab_list_push_head(&heap->available[number], first, slab);
	put_slab(heap, first);
}

/* Full slabs are in no list, so all units are asked. */
void heap_drop_slabs(struct heap *heap)
{
	uint32_t unit;

	/* relaxed: of our own the caller knows; others' change meanwhile */
	for (unit = 0; unit < superslab_count() * SUPERSLAB_UNITS; unit++)
		if (atomic_load_explicit(&slab_unit(unit)->heap, memory_order_relaxed) == heap)
			drop_slab(heap, unit);
}

bool heap_seize(struct heap *heap)
{
	if (heap_is_kept(heap))
		return heap_is_common(heap) && heap_visit(heap);
	return change_hold(heap, HEAP_OWNED, HEAP_SEIZED) ||
	       change_hold(heap, HEAP_RESTING, HEAP_SEIZED) || heap_visit(heap);
}

bool heap_visit(struct heap *heap)
{
	return change_hold(heap, HEAP_IDLE, HEAP_VISITED);
}

void heap_give_back(struct heap *heap)
{
	if (!change_hold(heap, HEAP_SEIZED, HEAP_RESTING))
		change_hold(heap, HEAP_VISITED, HEAP_IDLE);
}

bool heap_resume(struct heap *heap)
{
	return change_hold(heap, HEAP_RESTING, HEAP_OWNED);
}

static void visit_if_idle(struct heap *heap, void *argument)
{
	void (*const *act)(struct heap *heap) = argument;

	if (heap_visit(heap)) {
		(*act)(heap);
		heap_give_back(heap);
	}
}

void heap_visit_idle(void (*act)(struct heap *heap))
{
	heap_visit_all(visit_if_idle, &act);
}

void heap_note_sent(struct heap *heap, unsigned class)
{
	if (heap)
		heap_count_add(&heap->counts[class].sent, 1);
	else
		atomic_fetch_add_explicit(&heap_sent_alone[class], 1, memory_order_relaxed);
}

uint32_t heap_sent_by_nobody(unsigned class)
{
	return atomic_load_explicit(&heap_sent_alone[class], memory_order_relaxed);
}

void heap_visit_all(void (*visit)(struct heap *heap, void *argument), void *argument)
{
	struct heap *heap;

	/* Heaps are never freed, and next never changes. acquire: pairs with heap_create */
	for (heap = atomic_load_explicit(&heap_newest, memory_order_acquire); heap;
	     heap = heap->next)
		visit(heap, argument);
}

/* SPDX-License-Identifier: MIT */
/*
 * comb.c - see comb.h. A slab with many survivors has many holes, so they are given back a
 * batch at a time, slabs together.
 */
#include <config.h>

#include "upkeep/comb.h"

#include "middle/slab_brought.h"

#define FULLNESSES	9

_Static_assert(COMB_ROUNDS < SLAB_COMBED_ONCE, "rounds and the marks share a byte");

/* Spans of several slabs, on their way in one call. */
struct batch {
	struct comb *comb;
	struct release_span spans[RELEASE_SPANS_MOST];
	unsigned count;
};

static void comb_send(struct batch *batch)
{
	uint32_t released;
	unsigned i;

	if (!batch->count)
		return;
	released = batch->comb->release(batch->spans, batch->count);
	for (i = 0; i < batch->count; i++)
		if (released >> i & 1)
			batch->comb->released_bytes += batch->spans[i].bytes;
	batch->count = 0;
}

/* A slab as the kernel sees it. */
struct paged {
	const struct slab *slab;
	const struct size_class *class;
	size_t page_bytes, pages;
};

static bool is_free(const struct slab *slab, unsigned index)
{
	return slab->free_bits[index / 64] >> index % 64 & 1;
}

/* All blocks that reach into the page are free; what lies behind the last block is nobody's. */
static bool is_hole(const struct paged *paged, size_t page)
{
	const struct size_class *class = paged->class;
	size_t start = page * paged->page_bytes;
	unsigned index = size_class_block_index(class, start);
	unsigned last = size_class_block_index(class, start + paged->page_bytes - 16);

	if (last >= class->capacity)
		last = class->capacity - 1u;
	while (index <= last) {
		if (!is_free(paged->slab, index))
			return false;
		index++;
	}
	return true;
}

/* The end of the run of pages that are all holes, or all not, from page on. */
static size_t run_end(const struct paged *paged, size_t page, bool *hole)
{
	*hole = is_hole(paged, page);
	do
		page++;
	while (page < paged->pages && is_hole(paged, page) == *hole);
	return page;
}

static size_t hole_pages(const struct paged *paged)
{
	size_t page = 0, next, sum = 0;
	bool hole;

	for (; page < paged->pages; page = next) {
		next = run_end(paged, page, &hole);
		sum += hole ? next - page : 0;
	}
	return sum;
}

/* Beside those that are known. */
static bool are_worth_it(const struct paged *paged, size_t holes, unsigned least_percent)
{
	return holes > paged->slab->holes &&
	       (holes - paged->slab->holes) * 100 >= paged->pages * least_percent;
}

/* As many holes as there is room for in what is free. */
static bool may_have_holes(const struct paged *paged, unsigned least_percent)
{
	size_t live = paged->class->capacity - paged->slab->free_blocks;
	size_t live_pages = live * paged->class->size / paged->page_bytes;

	return are_worth_it(paged, paged->pages - min_size(live_pages, paged->pages),
			    least_percent);
}

/* Whole pages only: of a part of one the kernel would take the rest as well. */
static void release_holes(struct batch *batch, struct slab *slab, uint32_t first)
{
	const struct size_class *class = slab_class(slab);
	size_t page_bytes = batch->comb->page_bytes, page, next, holes;
	struct paged paged = { slab, class, page_bytes, class->units * UNIT_SIZE / page_bytes };
	char *start = reservation_unit_start(first);
	bool hole;

	if (!may_have_holes(&paged, batch->comb->least_percent))
		return;
	holes = hole_pages(&paged);
	if (!are_worth_it(&paged, holes, batch->comb->least_percent))
		return;
	slab->holes = (uint16_t)holes;
	slab_brought_drop(slab);
	for (page = 0; page < paged.pages; page = next) {
		next = run_end(&paged, page, &hole);
		if (!hole)
			continue;
		batch->spans[batch->count++] = (struct release_span){ start + page * page_bytes,
								      (next - page) * page_bytes };
		if (batch->count == RELEASE_SPANS_MOST)
			comb_send(batch);
	}
}

/* is_left: the load takes nothing of the class: what is free there will not be wanted soon. */
static bool is_worth_looking(const struct slab *slab, uint8_t round, bool is_left)
{
	return is_left || !round || (slab->combed && slab->combed != round);
}

static void comb_slab(struct batch *batch, struct slab *slab, uint32_t first, bool is_left)
{
	if (is_worth_looking(slab, batch->comb->round, is_left)) {
		slab->combed = SLAB_COMBED;
		release_holes(batch, slab, first);
	} else if (!slab->combed) {
		slab->combed = batch->comb->round;
		batch->comb->unsettled = true;
	}
}

/* Those that are empty come last: see heap_put_empty_slabs. */
static unsigned fullness_of(const struct slab *slab)
{
	return slab->free_blocks * (FULLNESSES - 1u) / slab_class(slab)->capacity;
}

static void comb_class(struct batch *batch, struct slab_list *list, bool is_left)
{
	struct slab_list sorted[FULLNESSES] = { { 0 } };
	struct comb *comb = batch->comb;
	uint32_t link, next;
	unsigned i;

	for (link = list->head; link; link = next) {
		uint32_t first = index_from_link(link);
		struct slab *slab = slab_unit(first);

		next = slab->next;
		if (slab->combed != SLAB_COMBED) {
			comb->stopped = comb->is_over(comb->argument);
			if (comb->stopped)
				break;
			comb_slab(batch, slab, first, is_left);
		}
		if (comb->sorts) {
			slab_list_remove(list, slab);
			slab_list_push_tail(&sorted[fullness_of(slab)], first, slab);
		}
	}
	for (i = FULLNESSES; i-- > 0;)
		slab_list_prepend(list, sorted[i]);
}

/* A round may take several calls. */
static void begin_round(struct heap *heap, uint8_t round)
{
	unsigned i;

	if (heap->comb_round == round)
		return;
	heap->comb_round = round;
	heap->comb_class = 0;
	for (i = 0; i < HEAP_CLASS_WORDS; i++) {
		heap->left[i] = ~heap->taken_of[i];
		heap->taken_of[i] = 0;
	}
}

void comb_heap(struct comb *comb, struct heap *heap)
{
	struct batch batch = { .comb = comb };
	unsigned class;

	atomic_store_explicit(&heap->stirred, false, memory_order_relaxed);
	begin_round(heap, comb->round);
	for (class = heap->comb_class; class < CLASS_COUNT && !comb->stopped; class++) {
		comb_class(&batch, &heap->available[class],
			   heap->left[class / 64] >> class % 64 & 1);
		heap->comb_class = (uint8_t)class;
	}
	comb_send(&batch);
	if (!comb->stopped)
		heap->comb_class = 0;
	if (comb->stopped || comb->unsettled)
		atomic_store_explicit(&heap->stirred, true, memory_order_relaxed);
}

/* SPDX-License-Identifier: MIT */
/*
 * guest.c - see guest.h.
 */
#include <config.h>

#include "middle/guest.h"

#include "middle/slab_guest.h"

#define USES		8		/* of a choice, before it is made anew */
#define LOOKS		8		/* slabs that one refill looks at */
#define FREE_LEAST	(2 * MiB)	/* of a heap in free blocks, … */
#define FREE_SHARE	8		/* … and one byte in so many, or it hosts nobody */
#define HOST_LEAST	(256 * KiB)	/* of a class in free blocks, … */
#define HOST_SHARE	8		/* … and one in so many, or it is no host */
#define LOSS_SHARE	8		/* of a guest, in its last block, at most */

/* 0: it is no host for so many bytes. */
static unsigned length_in(const struct size_class *host, size_t bytes)
{
	size_t length = (bytes + host->size - 1) / host->size;

	if (host->size >= bytes || !slab_guest_may_be_in(host) ||
	    length * host->size > bytes + bytes / LOSS_SHARE)
		return 0;
	return (unsigned)length;
}

/* The class that has most to offer; length: 0 if the heap is none that hosts. */
static struct guest_host choose(struct heap *heap, unsigned class)
{
	struct guest_host best = { .uses = USES };
	size_t all = 0, all_free = 0, most = HOST_LEAST;
	unsigned host, length;

	for (host = 0; host < CLASS_COUNT; host++) {
		const struct size_class *of = &size_class_table[host];
		struct heap_count *count = &heap->counts[host];
		size_t bytes = (size_t)heap_count_read(&count->slabs) * of->capacity * of->size;
		size_t free_bytes = (size_t)of->size * (heap_count_read(&count->free) -
							heap_count_read(&count->untouched));

		all += bytes;
		all_free += free_bytes;
		if (free_bytes <= most || free_bytes < bytes / HOST_SHARE)
			continue;
		length = length_in(of, size_class_table[class].size);
		if (!length)
			continue;
		most = free_bytes;
		best.class = (uint8_t)host;
		best.length = (uint16_t)length;
	}
	if (all_free < FREE_LEAST || all_free < all / FREE_SHARE)
		best.length = 0;
	return best;
}

/* Where the search goes on: a slab, if it is still in the list, or else the list's first. */
static uint32_t next_link(struct heap *heap, unsigned host)
{
	uint32_t link = heap->next_host[host];
	const struct slab *slab = link ? slab_unit(index_from_link(link)) : NULL;

	if (slab && slab->listed && slab->position == 0 && slab_class_number(slab) == host &&
	    atomic_load_explicit(&slab->heap, memory_order_relaxed) == heap)
		return link;
	return heap->available[host].head;
}

unsigned guest_take_blocks(struct heap *heap, unsigned class, void **blocks, unsigned count)
{
	struct guest_host *host = &heap->host_of[class];
	unsigned taken = 0, looks;
	uint32_t link, next;

	if (!host->uses)
		*host = choose(heap, class);
	host->uses--;
	if (!host->length)
		return 0;
	link = next_link(heap, host->class);
	for (looks = 0; link && looks < LOOKS; looks++, link = next) {
		uint32_t first = index_from_link(link);

		/* A slab leaves the list when it is full. */
		next = slab_unit(first)->next;
		taken += heap_take_guests(heap, first, blocks + taken, count - taken,
					  host->length);
		if (taken == count)
			break;
	}
	heap->next_host[host->class] = link;
	return taken;
}

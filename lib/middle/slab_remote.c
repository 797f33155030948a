/* SPDX-License-Identifier: MIT */
/*
 * slab_remote.c - see slab_remote.h.
 */
#include <config.h>

#include "middle/slab_remote.h"

#include <string.h>

#include "back/metadata.h"

#define WORDS_BYTES	(SLAB_REMOTE_WORDS * sizeof(uint64_t))

/* NULL: no memory. Of two who bring some at once one's are lost, which is seldom. */
static _Atomic uint64_t *words_of(struct slab *slab)
{
	/* acquire: pairs with the exchange below */
	_Atomic uint64_t *words = atomic_load_explicit(&slab->remote, memory_order_acquire);
	_Atomic uint64_t *brought;

	if (likely(words))
		return words;
	brought = metadata_take_open_first(WORDS_BYTES);
	if (!brought)
		return NULL;
	/* acq_rel: zeroes come before the words are known; else another's */
	return atomic_compare_exchange_strong_explicit(&slab->remote, &words, brought,
						       memory_order_acq_rel,
						       memory_order_acquire) ? brought : words;
}

enum slab_remote_put slab_remote_put(const void *block)
{
	uint32_t unit = reservation_unit_of(block);
	uint32_t first = slab_first_unit(unit);
	struct superslab *superslab = superslab_at(first / SUPERSLAB_UNITS);
	const struct size_class *class = slab_class(slab_unit(first));
	size_t offset = (size_t)((const char *)block - reservation_unit_start(first));
	unsigned index = size_class_block_index(class, offset);
	uint64_t bit = (uint64_t)1 << index % 64;
	uint32_t mark = (uint32_t)1 << first % SUPERSLAB_UNITS;
	_Atomic uint64_t *words;

	if (unlikely((size_t)index * class->size != offset || index >= class->capacity))
		return SLAB_REMOTE_REFUSED;
	words = words_of(slab_unit(first));
	if (unlikely(!words))
		return SLAB_REMOTE_NO_MEMORY;
	/* seq_cst, this and the next: pairs with slab_remote_take, one of the two sees the other */
	if (unlikely(atomic_fetch_or(&words[index / 64], bit) & bit))
		return SLAB_REMOTE_REFUSED;
	if (!(atomic_load(&superslab->remote) & mark))
		atomic_fetch_or(&superslab->remote, mark);
	return SLAB_REMOTE_PUT;
}

/* A unit's heap: of our own slabs it stays, of others' it is not ours. */
static bool is_of(const struct heap *heap, uint32_t unit)
{
	return atomic_load_explicit(&slab_unit(unit)->heap, memory_order_relaxed) == heap;
}

uint32_t slab_remote_take(uint32_t superslab, const struct heap *heap, uint64_t *words)
{
	/* seq_cst, after the part's bit is cleared: see slab_remote_put */
	uint32_t marks = atomic_load(&superslab_at(superslab)->remote);

	for (; marks; marks &= marks - 1) {
		uint32_t first = superslab * SUPERSLAB_UNITS + (uint32_t)__builtin_ctz(marks);
		struct slab *slab = slab_unit(first);
		_Atomic uint64_t *put = atomic_load_explicit(&slab->remote, memory_order_acquire);
		unsigned i;

		if (!is_of(heap, first) || slab->position || !put)
			continue;
		/* seq_cst, before the words are read: see slab_remote_put */
		atomic_fetch_and(&superslab_at(superslab)->remote, ~(marks & -marks));
		memset(words, 0, WORDS_BYTES);
		for (i = 0; i < (slab_class(slab)->capacity + 63u) / 64; i++)
			words[i] = atomic_exchange(&put[i], 0);
		return first;
	}
	return UNIT_NONE;
}

void slab_remote_begin(struct slab *slab)
{
	/* relaxed: none of its blocks is out yet */
	_Atomic uint64_t *words = atomic_load_explicit(&slab->remote, memory_order_relaxed);
	unsigned i;

	/* Of a frozen heap, or one that was dropped with what was live. */
	for (i = 0; words && i < SLAB_REMOTE_WORDS; i++)
		atomic_store_explicit(&words[i], 0, memory_order_relaxed);
}

/* SPDX-License-Identifier: MIT */
/*
 * common.c - see common.h. There are as many common heaps as threads were seen to want one at
 * once. They are never locked: who finds them all held makes another, or takes a slab of its own.
 */
#include <config.h>

#include "middle/common.h"

#include <stdatomic.h>

#include "middle/asked_sample.h"
#include "os/node.h"
#include "os/topology.h"

#define HEAPS_MOST		8	/* of a home */
#define SHARED_BYTES		(4 * KiB)	/* in the bin of a class that is shared … */
#define SHARED_MUCH_BYTES	(16 * KiB)	/* … if it is used much; … */
#define SHARED_MUCH_USES	256
#define SHARED_BLOCKS		32		/* … but no more blocks, and one of up to … */
#define SHARED_ONE_MOST		(8 * KiB)	/* … so many */
#define OWN_BYTES_LEAST		(4 * KiB)
#define FEW_HEAPS_BATCH		8	/* blocks more in a first refill, of a few heaps */
#define USES_TO_LEAVE		64	/* blocks until a class has slabs of its own … */
#define ALONE			4	/* the first few heaps share nothing: little is lost */
/* … or, of a crowd of so many heaps each, so often as many … */
#define HEAPS_TOGETHER		4
#define CROWD_MOST		1024	/* … at most */

static struct {
	_Atomic(struct heap *) heaps[HEAPS_MOST];	/* release: pairs with acquire in hold */
	_Atomic bool begun[HEAPS_MOST];	/* somebody makes it, or has tried to */
} homes[TOPOLOGY_HOMES_MAX] SPARSE;

static struct heap *(*maker)(unsigned home);	/* written before there is a second thread */

void common_set_maker(struct heap *(*make)(unsigned home))
{
	maker = make;
}

/* Heaps are numbered as they are made: the number says how many there are, or more. */
static uint32_t crowd(const struct heap *own)
{
	return (uint32_t)max_size(own->number / HEAPS_TOGETHER, 1);
}

void common_begin(struct common_use *use, const struct heap *own)
{
	use->shares = own->number >= ALONE;
}

uint32_t common_first_limit(const struct common_use *use, const struct heap *own, unsigned class,
			    uint32_t first)
{
	size_t size = size_class_table[class].size, blocks = first;

	if (!use->shares)
		return first;
	if (common_is_shared(use, class)) {
		bool much = use->stages[class] == COMMON_SHARED_MUCH;

		blocks = min_size((much ? SHARED_MUCH_BYTES : SHARED_BYTES) / size, SHARED_BLOCKS);
		if (size > SHARED_ONE_MOST)
			return 0;
	} else {
		blocks = min_size(first, max_size(first / crowd(own), OWN_BYTES_LEAST / size));
	}
	return blocks ? (uint32_t)blocks : 1;
}

uint32_t common_share(const struct common_use *use, const struct heap *own, uint32_t most)
{
	return use->shares ? most / crowd(own) : most;
}

/* Where there are many, slabs of one's own cost much more than the slow paths do. */
static uint32_t uses_to_leave(uint32_t crowd)
{
	return USES_TO_LEAVE * (uint32_t)min_size(max_size(crowd, crowd * crowd / 4), CROWD_MOST);
}

bool common_look(struct common_use *use, const struct heap *own, unsigned class)
{
	uint8_t *stage = &use->stages[class];

	if (!use->shares)
		return false;
	if (*stage == COMMON_LEAVING) {
		*stage = COMMON_OWN;
	} else if (*stage == COMMON_OWN) {
		if (heap_count_read(&own->counts[class].slabs))
			return false;
		*stage = COMMON_SHARED;
		use->uses[class] = 0;
	} else if (use->uses[class] >= uses_to_leave(crowd(own))) {
		*stage = COMMON_LEAVING;
	} else if (*stage == COMMON_SHARED && use->uses[class] >= SHARED_MUCH_USES) {
		*stage = COMMON_SHARED_MUCH;
	} else {
		return false;
	}
	return true;
}

void common_note(struct common_use *use, unsigned class, uint32_t blocks)
{
	use->uses[class] += blocks;
}

/* Held by the caller. NULL: another thread makes it, or no memory. */
static struct heap *make_at(unsigned home, unsigned place)
{
	struct heap *heap;

	/* relaxed: only who makes it is decided here */
	if (atomic_exchange_explicit(&homes[home].begun[place], true, memory_order_relaxed))
		return NULL;
	heap = maker(home);
	if (!heap) {
		/* There may be some when more threads have come. */
		atomic_store_explicit(&homes[home].begun[place], false, memory_order_relaxed);
		return NULL;
	}
	atomic_store_explicit(&homes[home].heaps[place], heap, memory_order_release);
	return heap;
}

/* How many there are: they are made in the order of their places. */
static unsigned places_of(unsigned home)
{
	unsigned places;

	for (places = 0; places < HEAPS_MOST; places++)
		if (!atomic_load_explicit(&homes[home].heaps[places], memory_order_relaxed))
			break;
	return places;
}

/*
 * A common heap that nobody works in; NULL: none, and there may be no more. What the processor has
 * in its caches comes first, so that two threads that run at once do not want the same.
 */
static struct heap *hold(unsigned home)
{
	unsigned places = places_of(home), first = node_processor_hint(), i;

	for (i = 0; i < places; i++) {
		struct heap *heap =
			atomic_load_explicit(&homes[home].heaps[(first + i) % places],
					     memory_order_acquire);

		if (heap_take_kept(heap))
			return heap;
	}
	return places < HEAPS_MOST ? make_at(home, places) : NULL;
}

unsigned common_take_blocks(struct common_use *use, const struct heap *own, unsigned class,
			    void **blocks, unsigned count, size_t asked)
{
	/* Few at first, of a crowd. */
	uint32_t most = use->uses[class] / 4 + 1 + FEW_HEAPS_BATCH / crowd(own);
	struct heap *common = hold(own->home);

	if (!common)
		return 0;
	if (remote_free_is_waiting(common))
		remote_free_drain(common);
	count = heap_take_blocks(common, class, blocks, (unsigned)min_size(count, most));
	if (count && asked)
		asked_sample_note(common->counts, blocks[0], asked);
	heap_put_kept(common);
	common_note(use, class, count);
	return count;
}

static struct heap *owner_of(const void *block)
{
	/* relaxed: the block is out, so its slab stays whose it is */
	return atomic_load_explicit(&slab_unit(reservation_unit_of(block))->heap,
				    memory_order_relaxed);
}

static void common_put_run(struct heap *own, struct remote_outbox *outbox, struct heap *owner,
			   void *const *blocks, unsigned count)
{
	unsigned i;

	if (owner == own) {
		heap_put_blocks(owner, blocks, count);
	} else if (heap_take_kept(owner)) {
		heap_put_blocks(owner, blocks, count);
		heap_put_kept(owner);
	} else {
		for (i = 0; i < count; i++) {
			heap_note_sent(own, slab_class_of_block(blocks[i]));
			/* Where there is no memory even for the message, it stays lost. */
			remote_free_send_one(outbox, owner, blocks[i]);
		}
	}
}

void common_put_blocks(const struct common_use *use, struct heap *own,
		       struct remote_outbox *outbox, void *const *blocks, unsigned count)
{
	unsigned done, end;

	if (!use->shares) {
		heap_put_blocks(own, blocks, count);
		return;
	}
	for (done = 0; done < count; done = end) {
		struct heap *owner = owner_of(blocks[done]);

		for (end = done + 1; end < count && owner_of(blocks[end]) == owner;)
			end++;
		common_put_run(own, outbox, owner, blocks + done, end - done);
	}
}

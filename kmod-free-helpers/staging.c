/* SPDX-License-Identifier: MIT */
/*
 * The staging area: one mapping, huge units first, small ones behind them. Called by
 * populate*. It is there while something is staged only: address space counts against
 * limits, and wholly when the program locks its memory. It is left out of forks, because a
 * page shared with a child cannot be moved; and out of core dumps, because it holds zeros.
 */
#include <config.h>

#include "kmod-free-helpers/staging.h"

#include <errno.h>
#include <limits.h>
#include <linux/mempolicy.h>
#include <sys/mman.h>

#include "kmod-free-helpers/kernel_abi.h"
#include "support/system_call.h"
#include "support/page_size.h"

#define SAMPLE_BYTES  ((size_t)128 << 10)
#define MOST_NODES    1024
#define BITS_PER_WORD (sizeof(unsigned long) * CHAR_BIT)

/* Preferred, never bound: a full node must give pages of another one, not none. */
static int prefer_node(char *start, size_t length, int node)
{
	unsigned long mask[MOST_NODES / BITS_PER_WORD] = { 0 };

	if (node >= MOST_NODES)
		return -EINVAL;
	mask[(size_t)node / BITS_PER_WORD] = 1ul << ((size_t)node % BITS_PER_WORD);
	return (int)system_call(SYS_mbind, start, length, MPOL_PREFERRED, mask,
				(unsigned long)MOST_NODES, 0);
}

static void open_pool(struct staging_pool *pool, size_t unit_bytes, unsigned int count)
{
	*pool = (struct staging_pool){
		.unit_bytes = unit_bytes,
		.count = (uint16_t)count,
		.empty_count = (uint16_t)count,
	};
	/* Last in, first out: the lowest units are the ones reused. */
	for (unsigned int i = 0; i < count; i++)
		pool->empty[i] = (uint16_t)(count - 1 - i);
}

static size_t pool_bytes(const struct staging_pool *pool)
{
	return pool->count * pool->unit_bytes;
}

/* NULL: there is no room. Refusals are no errors: left in forks, moves are only dearer. */
static char *map_area(struct staging *staging, size_t bytes)
{
	long mapped = system_call(SYS_mmap, NULL, bytes, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0ul);

	if (system_call_failed(mapped))
		return NULL;
	if (staging->node != STAGING_ANY_NODE)
		staging->node_error = prefer_node((char *)mapped, bytes, staging->node);
	system_call(SYS_madvise, mapped, bytes, MADV_DONTFORK);
	system_call(SYS_madvise, mapped, bytes, MADV_DONTDUMP);
	return (char *)mapped;
}

static bool map_pools(struct staging *staging)
{
	struct staging_pool *huge = &staging->pools[STAGING_HUGE];
	struct staging_pool *small = &staging->pools[STAGING_SMALL];
	size_t bytes = pool_bytes(huge) + pool_bytes(small) + STAGING_UNIT_BYTES;

	if (staging->mapping)
		return true;
	staging->mapping = map_area(staging, bytes);
	if (!staging->mapping)
		return false;
	staging->mapping_bytes = bytes;
	huge->area = staging->mapping +
		     (-(uintptr_t)staging->mapping & (STAGING_UNIT_BYTES - 1));
	small->area = huge->area + pool_bytes(huge);
	if (huge->count)
		system_call(SYS_madvise, huge->area, pool_bytes(huge), MADV_HUGEPAGE);
	if (small->count)
		system_call(SYS_madvise, small->area, pool_bytes(small), MADV_NOHUGEPAGE);
	return true;
}

static void unmap(struct staging *staging)
{
	if (staging->mapping)
		system_call(SYS_munmap, staging->mapping, staging->mapping_bytes);
	staging->mapping = NULL;
}

int staging_open(struct staging *staging, unsigned int huge_units,
		 unsigned int small_units, int node)
{
	if (huge_units > STAGING_MOST_UNITS || small_units > STAGING_MOST_UNITS ||
	    !(huge_units + small_units))
		return -EINVAL;
	*staging = (struct staging){ .mapping = NULL, .node = node };
	open_pool(&staging->pools[STAGING_HUGE], STAGING_UNIT_BYTES, huge_units);
	open_pool(&staging->pools[STAGING_SMALL], STAGING_UNIT_BYTES, small_units);
	return 0;
}

void staging_close(struct staging *staging)
{
	unmap(staging);
	*staging = (struct staging){ .mapping = NULL };
}

/* After mlockall, only the second is allowed. */
static void drop_pages(char *start, size_t length)
{
	if (!page_size_divides(start, length))
		return;
	if (system_call(SYS_madvise, start, length, MADV_DONTNEED))
		system_call(SYS_madvise, start, length, MADV_DONTNEED_LOCKED);
}

/*
 * By touching, not by MADV_POPULATE_WRITE: that holds the process's mmap lock while the
 * kernel zeroes, and a program's mmap or mprotect waits behind it, for milliseconds when
 * one call follows another. A fault takes the lock of our own mapping only. The end first:
 * the kernel clears what is touched of a huge page last, and upwards it is faster.
 */
static void touch(char *start, size_t length)
{
	size_t page = page_size();

	*(volatile char *)(start + length - 1) = 0;
	for (size_t offset = 0; offset < length; offset += page)
		*(volatile char *)(start + offset) = 0;
}

static void zero_unit(struct staging_pool *pool, enum staging_unit unit, uint16_t number)
{
	char *start = pool->area + number * pool->unit_bytes;

	/*
	 * What an earlier fallback to small pages left is a page table, which would keep
	 * the next one from being huge; from 6.14 on this takes it away.
	 */
	if (unit == STAGING_HUGE)
		drop_pages(start, pool->unit_bytes);
	touch(start, pool->unit_bytes);
}

size_t staging_sample(struct staging *staging)
{
	char *start = map_area(staging, SAMPLE_BYTES);

	if (!start)
		return 0;
	system_call(SYS_madvise, start, SAMPLE_BYTES, MADV_NOHUGEPAGE);
	touch(start, SAMPLE_BYTES);
	system_call(SYS_munmap, start, SAMPLE_BYTES);
	return SAMPLE_BYTES;
}

unsigned int staging_refill(struct staging *staging, enum staging_unit unit,
			    unsigned int ready, unsigned int most)
{
	struct staging_pool *pool = &staging->pools[unit];
	unsigned int done = 0;

	while (done < most && pool->ready_count < ready && pool->empty_count &&
	       map_pools(staging)) {
		uint16_t number = pool->empty[pool->empty_count - 1];

		zero_unit(pool, unit, number);
		pool->empty_count--;
		pool->ready[pool->ready_count++] = number;
		pool->zeroed_units++;
		done++;
	}
	return done;
}

static void empty_unit(struct staging_pool *pool, uint16_t number)
{
	drop_pages(pool->area + number * pool->unit_bytes, pool->unit_bytes);
	pool->empty[pool->empty_count++] = number;
}

static bool is_empty(const struct staging *staging)
{
	const struct staging_pool *pools = staging->pools;

	return pools[STAGING_HUGE].empty_count == pools[STAGING_HUGE].count &&
	       pools[STAGING_SMALL].empty_count == pools[STAGING_SMALL].count;
}

void staging_drain(struct staging *staging, enum staging_unit unit, unsigned int keep)
{
	struct staging_pool *pool = &staging->pools[unit];

	while (pool->ready_count > keep)
		empty_unit(pool, pool->ready[--pool->ready_count]);
	if (is_empty(staging))
		unmap(staging);
}

bool staging_take(struct staging *staging, enum staging_unit unit, struct staged_range *range)
{
	struct staging_pool *pool = &staging->pools[unit];
	uint16_t number;

	if (!pool->ready_count)
		return false;
	number = pool->ready[--pool->ready_count];
	range->start = pool->area + number * pool->unit_bytes;
	return true;
}

void staging_put(struct staging *staging, enum staging_unit unit,
		 const struct staged_range *range, size_t moved_bytes)
{
	struct staging_pool *pool = &staging->pools[unit];
	uint16_t number;

	if (moved_bytes)
		pool->moved_units++;
	number = (uint16_t)((size_t)(range->start - pool->area) / pool->unit_bytes);
	if (moved_bytes == pool->unit_bytes)
		pool->empty[pool->empty_count++] = number;
	else if (!moved_bytes)
		pool->ready[pool->ready_count++] = number;
	else
		empty_unit(pool, number);
}

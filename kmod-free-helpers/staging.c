/* SPDX-License-Identifier: MIT */
/*
 * The staging area: one mapping, huge units first, small ones behind them. Called by
 * populate*. It is left out of forks, because a page shared with a child cannot be
 * moved; and out of core dumps, because it holds zeros.
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

static void open_pool(struct staging_pool *pool, char *area, size_t unit_bytes,
		      unsigned int count)
{
	*pool = (struct staging_pool){
		.area = area,
		.unit_bytes = unit_bytes,
		.count = (uint16_t)count,
		.empty_count = (uint16_t)count,
	};
	/* Last in, first out: the lowest units are the ones reused. */
	for (unsigned int i = 0; i < count; i++)
		pool->empty[i] = (uint16_t)(count - 1 - i);
}

/* Refusals are no errors: without huge pages, or left in forks, moves are only dearer. */
static void advise(struct staging *staging, char *start, size_t huge_bytes,
		   size_t small_bytes)
{
	system_call(SYS_madvise, staging->mapping, staging->mapping_bytes, MADV_DONTFORK);
	system_call(SYS_madvise, staging->mapping, staging->mapping_bytes, MADV_DONTDUMP);
	if (huge_bytes)
		system_call(SYS_madvise, start, huge_bytes, MADV_HUGEPAGE);
	if (small_bytes)
		system_call(SYS_madvise, start + huge_bytes, small_bytes, MADV_NOHUGEPAGE);
}

int staging_open(struct staging *staging, unsigned int huge_units,
		 unsigned int small_units, int node)
{
	size_t huge_bytes = huge_units * STAGING_UNIT_BYTES;
	size_t small_bytes = small_units * STAGING_UNIT_BYTES;
	char *start;
	long mapped;

	*staging = (struct staging){ .mapping = NULL };
	if (huge_units > STAGING_MOST_UNITS || small_units > STAGING_MOST_UNITS ||
	    !(huge_units + small_units))
		return -EINVAL;
	staging->mapping_bytes = huge_bytes + small_bytes + STAGING_UNIT_BYTES;
	mapped = system_call(SYS_mmap, NULL, staging->mapping_bytes, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0ul);
	if (system_call_failed(mapped))
		return (int)mapped;
	staging->mapping = (char *)mapped;
	start = staging->mapping +
		(-(uintptr_t)staging->mapping & (STAGING_UNIT_BYTES - 1));
	if (node != STAGING_ANY_NODE)
		staging->node_error =
			prefer_node(staging->mapping, staging->mapping_bytes, node);
	advise(staging, start, huge_bytes, small_bytes);
	open_pool(&staging->pools[STAGING_HUGE], start, STAGING_UNIT_BYTES, huge_units);
	open_pool(&staging->pools[STAGING_SMALL], start + huge_bytes, STAGING_UNIT_BYTES,
		  small_units);
	return 0;
}

void staging_close(struct staging *staging)
{
	if (staging->mapping)
		system_call(SYS_munmap, staging->mapping, staging->mapping_bytes);
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
	struct staging_pool *pool = &staging->pools[STAGING_SMALL];
	char *start;

	if (!pool->empty_count)
		return 0;
	start = pool->area + pool->empty[pool->empty_count - 1] * pool->unit_bytes;
	touch(start, SAMPLE_BYTES);
	drop_pages(start, SAMPLE_BYTES);
	return SAMPLE_BYTES;
}

unsigned int staging_refill(struct staging *staging, enum staging_unit unit,
			    unsigned int ready, unsigned int most)
{
	struct staging_pool *pool = &staging->pools[unit];
	unsigned int done = 0;

	while (done < most && pool->ready_count < ready && pool->empty_count) {
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

void staging_drain(struct staging *staging, enum staging_unit unit, unsigned int keep)
{
	struct staging_pool *pool = &staging->pools[unit];

	while (pool->ready_count > keep)
		empty_unit(pool, pool->ready[--pool->ready_count]);
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

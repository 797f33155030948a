/* SPDX-License-Identifier: MIT */
/*
 * A program that asks which of its blocks it should move, and moves those, ends with full slabs:
 * by hak_defrag_hint, and by jemalloc's names as redis and valkey use them. Looked up by dlsym: the
 * program is not linked with the library.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hakmem/hakmem.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"

enum { BLOCKS = 200000, LEFT_OF = 3, ROUNDS = 8, NO_CACHE = 1 << 8, SIZES = 4 };

static struct {
	int (*hint)(const void *block);
	int (*je_hint)(void *block);
	void *(*mallocx)(size_t size, int flags);
	void *(*je_mallocx)(size_t size, int flags);
	void (*dallocx)(void *block, int flags);
	void (*je_dallocx)(void *block, int flags);
	size_t (*usable)(const void *block, int flags);
	int (*mallctl)(const char *name, void *old, size_t *old_bytes, void *value, size_t bytes);
} hak;

static void begin(void)
{
	contract_look_up(&hak.hint, "hak_defrag_hint");
	contract_look_up(&hak.je_hint, "je_get_defrag_hint");
	contract_look_up(&hak.mallocx, "hak_mallocx");
	contract_look_up(&hak.je_mallocx, "mallocx");
	contract_look_up(&hak.dallocx, "hak_dallocx");
	contract_look_up(&hak.je_dallocx, "dallocx");
	contract_look_up(&hak.usable, "hak_sallocx");
	contract_look_up(&hak.mallctl, "mallctl");
}

/* Of a bin; NULL: the name is whole. */
static size_t number(size_t bytes, const char *begin_of_name, size_t bin, const char *end_of_name)
{
	size_t value = 0, value_bytes = bytes;
	char name[80];

	if (end_of_name)
		snprintf(name, sizeof(name), "%s.%zu.%s", begin_of_name, bin, end_of_name);
	else
		snprintf(name, sizeof(name), "%s", begin_of_name);
	CHECK_THAT(hak.mallctl(name, &value, &value_bytes, NULL, 0) == 0, "%s", name);
	return value;
}

/* Bytes in slabs for each byte in live blocks, as valkey works it out. */
static double slab_ratio(void)
{
	size_t bins = number(sizeof(unsigned), "arenas.nbins", 0, NULL), bin;
	static const char of_all[] = "stats.arenas.4096.bins";
	double all = 0, live = 0;

	/* Bins are emptied, and slabs that are kept empty go. */
	CHECK(hak.mallctl("arena.4096.purge", NULL, NULL, NULL, 0) == 0);
	for (bin = 0; bin < bins; bin++) {
		size_t size = number(sizeof(size_t), "arenas.bin", bin, "size");
		size_t in_slab = number(sizeof(unsigned), "arenas.bin", bin, "nregs");
		size_t slabs = number(sizeof(size_t), of_all, bin, "curslabs");

		CHECK(number(sizeof(size_t), of_all, bin, "nonfull_slabs") <= slabs);
		all += (double)(slabs * in_slab * size);
		live += (double)(size * number(sizeof(size_t), of_all, bin, "curregs"));
	}
	return all / live;
}

static char *blocks[BLOCKS];

static size_t size_of(size_t i)
{
	return 250 + i % SIZES * 150;
}

static void take_and_thin_out(void)
{
	uint64_t random = 1;
	size_t i;

	for (i = 0; i < BLOCKS; i++) {
		blocks[i] = malloc(size_of(i));
		CHECK(blocks[i]);
		pattern_write(blocks[i], size_of(i), i);
	}
	for (i = 0; i < BLOCKS; i++)
		if (random_next(&random) % LEFT_OF) {
			free(blocks[i]);
			blocks[i] = NULL;
		}
}

static void move(size_t i, bool by_jemalloc)
{
	size_t bytes = hak.usable(blocks[i], 0);
	char *moved = by_jemalloc ? hak.je_mallocx(bytes, NO_CACHE) :
				    hak.mallocx(bytes, HAK_UNCACHED);

	CHECK(moved && moved != blocks[i]);
	memcpy(moved, blocks[i], size_of(i));
	if (by_jemalloc)
		hak.je_dallocx(blocks[i], NO_CACHE);
	else
		hak.dallocx(blocks[i], HAK_UNCACHED);
	blocks[i] = moved;
}

/* Returns how many blocks were moved. */
static size_t move_what_is_hinted(bool by_jemalloc)
{
	size_t moves = 0, i;

	for (i = 0; i < BLOCKS; i++)
		if (blocks[i] &&
		    (by_jemalloc ? hak.je_hint(blocks[i]) : hak.hint(blocks[i]))) {
			move(i, by_jemalloc);
			moves++;
		}
	return moves;
}

static void pack(bool by_jemalloc, double most)
{
	size_t round, i, live = 0, moves = 0, last = 1;
	double before, after;

	begin();
	take_and_thin_out();
	before = slab_ratio();
	for (round = 0; last && round < ROUNDS; round++) {
		last = move_what_is_hinted(by_jemalloc);
		moves += last;
	}
	after = slab_ratio();
	for (i = 0; i < BLOCKS; i++) {
		live += blocks[i] != NULL;
		CHECK(!blocks[i] || pattern_holds(blocks[i], size_of(i), i));
	}
	CHECK_THAT(before > 2 && after <= most, "%.3f before, %.3f after %zu moves of %zu blocks",
		   before, after, moves, live);
	/* Each block once would do. */
	CHECK_THAT(moves <= live, "%zu moves of %zu blocks", moves, live);
}

static void moving_what_is_hinted_fills_the_slabs(void)
{
	pack(false, 1.03);
}

static void jemalloc_s_names_do_the_same(void)
{
	pack(true, 1.03);
}

/*
 * While the helper has the thread's cache in hand, which on a busy machine may be long, the thread
 * borrows another: that one's slabs are not full either.
 */
static void beside_a_helper_as_well(void)
{
	pack(false, 1.06);
}

static void what_lies_in_no_slab_stays(void)
{
	char *large = malloc(4 * MIB), on_stack = 0;

	begin();
	CHECK(!hak.hint(NULL) && !hak.hint(&on_stack) && !hak.hint((void *)16));
	CHECK(large && !hak.hint(large) && !hak.hint(large + 5));
	free(large);
}

static void a_full_heap_has_no_hints(void)
{
	begin();
	for (size_t i = 0; i < BLOCKS; i++) {
		blocks[i] = malloc(100);
		CHECK(blocks[i]);
	}
	CHECK(move_what_is_hinted(false) == 0);
}

struct place {
	size_t free, capacity, bytes;
};

struct place_in_class {
	const void *filled;
	struct place place;
	size_t free_of_all, capacity_of_all;
};

static void utilization_is_told_block_by_block(void)
{
	char *large = malloc(4 * MIB), *small = malloc(100);
	const void *asked[] = { large, small, asked };
	struct place places[3];
	struct place_in_class one;
	size_t bytes = sizeof(places), one_bytes = sizeof(one);

	begin();
	CHECK(large && small);
	CHECK(hak.mallctl("experimental.utilization.batch_query", places, &bytes, asked,
			  sizeof(asked)) == 0);
	CHECK(!places[0].free && places[0].capacity == 1 && places[0].bytes >= 4 * MIB);
	CHECK(places[1].free && places[1].free < places[1].capacity);
	CHECK(places[1].capacity * hak.usable(small, 0) <= places[1].bytes);
	CHECK(!places[2].capacity && !places[2].bytes);
	CHECK(hak.mallctl("experimental.utilization.query", &one, &one_bytes, &small,
			  sizeof(small)) == 0);
	CHECK(!memcmp(&one.place, &places[1], sizeof(places[1])));
	CHECK(one.free_of_all >= one.place.free && one.capacity_of_all >= one.place.capacity);
	bytes--;
	CHECK(hak.mallctl("experimental.utilization.batch_query", places, &bytes, asked,
			  sizeof(asked)) == EINVAL);
	free(large);
	free(small);
}

static const struct contract_case cases[] = {
	CASE_WITH(moving_what_is_hinted_fills_the_slabs, "helpers:never"),
	CASE_WITH(jemalloc_s_names_do_the_same, "helpers:never"),
	CASE(beside_a_helper_as_well),
	CASE(what_lies_in_no_slab_stays),
	CASE(a_full_heap_has_no_hints),
	CASE(utilization_is_told_block_by_block),
	{ "what_lies_in_no_slab_stays_when_hardened", what_lies_in_no_slab_stays, PRELOADED,
	  "hardened:true" },
};

CONTRACT_MAIN(cases)

/* SPDX-License-Identifier: MIT */
/*
 * Few blocks of many live on, strewn over the pages: when what is free between them goes back,
 * are their contents whole, and does anything go? However large the kernel's pages are.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"
#include "tests/populate/watch.h"

enum { BLOCK_BYTES = 256, BLOCKS = 48 * 4096, KEPT_ONE_IN = 40, PATIENCE_MS = 20000 };

#define OTHER_BYTES ((size_t)32 << 10)

static char *blocks[BLOCKS];

static bool is_kept(size_t i)
{
	/* Every fourth MiB or so has no survivor: pages of 64 KiB are to go, too. */
	return i * 2654435761u % 4096 < 4096 / KEPT_ONE_IN && i / 4096 % 4;
}

static size_t released_bytes(void)
{
	return counter("release.ring_bytes") + counter("release.vector_bytes") +
	       counter("release.plain_bytes");
}

static void make_survivors(void)
{
	for (size_t i = 0; i < BLOCKS; i++) {
		blocks[i] = malloc(BLOCK_BYTES);
		CHECK(blocks[i]);
		pattern_write(blocks[i], BLOCK_BYTES, i);
	}
	for (size_t i = 0; i < BLOCKS; i++)
		if (!is_kept(i))
			free(blocks[i]);
}

static void check_survivors(void)
{
	size_t lost = 0, kept = 0;

	for (size_t i = 0; i < BLOCKS; i++) {
		kept += is_kept(i);
		lost += is_kept(i) && !pattern_holds(blocks[i], BLOCK_BYTES, i);
	}
	CHECK_THAT(!lost, "%zu of %zu blocks lost their contents, %zu bytes went back", lost, kept,
		   released_bytes());
}

static bool something_went(void)
{
	return released_bytes() > 2 * MIB;
}

static void what_lives_is_whole_when_the_helper_gives_back(void)
{
	bool went;

	make_survivors();
	went = wait_for(something_went, PATIENCE_MS);
	if (!went && !helper_task())
		need_helper_allowed();
	CHECK_THAT(went, "nothing went back: %s", mode());
	sleep_ms(1500);
	check_survivors();
	printf("# pages of %ld bytes, %zu bytes went back\n", sysconf(_SC_PAGESIZE),
	       released_bytes());
}

/*
 * Nothing is due for a minute; but the heap takes new memory while it is full of free blocks: what
 * is too large for the room between survivors.
 */
static void what_a_growing_heap_has_left_goes_before_the_decay(void)
{
	char *others[48];
	bool went;

	make_survivors();
	for (size_t i = 0; i < 48; i++) {
		for (size_t j = 0; j < 30; j++) {
			others[i] = malloc(OTHER_BYTES);
			CHECK(others[i]);
			pattern_write(others[i], OTHER_BYTES, i);
		}
		sleep_ms(5);
	}
	went = wait_for(something_went, PATIENCE_MS);
	if (!went && !helper_task())
		need_helper_allowed();
	CHECK_THAT(went, "nothing went back: %s", mode());
	check_survivors();
	for (size_t i = 0; i < 48; i++)
		CHECK(pattern_holds(others[i], OTHER_BYTES, i));
}

static void what_lives_is_whole_when_the_program_trims(void)
{
	make_survivors();
	malloc_trim(0);
	CHECK(something_went());
	check_survivors();
}

static const struct contract_case cases[] = {
	CASE_WITH(what_lives_is_whole_when_the_helper_gives_back,
		  "helpers:always,decay_ms:100"),
	CASE_WITH(what_a_growing_heap_has_left_goes_before_the_decay,
		  "helpers:always,decay_ms:60000"),
	CASE_WITH(what_lives_is_whole_when_the_program_trims, "helpers:never"),
};

CONTRACT_MAIN(cases)

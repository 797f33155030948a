/* SPDX-License-Identifier: MIT */
/*
 * glibc's reports tell the truth: their numbers move by what was allocated and freed, and
 * malloc_info is XML of the shape that its readers know.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdint.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>


#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"

enum { BLOCKS = 16384, BLOCK = 1000 };

static char *blocks[BLOCKS];

/* Some 16 MiB in small blocks, every page of them written. */
static void take_blocks(void)
{
	for (size_t i = 0; i < BLOCKS; i++) {
		blocks[i] = malloc(BLOCK);
		CHECK(blocks[i]);
		memset(blocks[i], 1, BLOCK);
	}
}

static void put_blocks(void)
{
	for (size_t i = 0; i < BLOCKS; i++)
		free(blocks[i]);
}

static void expect_between(const char *what, size_t least, size_t value, size_t most)
{
	CHECK_THAT(value >= least && value <= most, "%s is %zu; expected %zu to %zu",
		   what, value, least, most);
}

static void uordblks_grows_by_what_was_allocated(void)
{
	size_t before = mallinfo2().uordblks, wanted = (size_t)BLOCKS * BLOCK, grown;

	take_blocks();
	grown = mallinfo2().uordblks - before;
	/* an eighth for size classes, and what a thread cache may have taken */
	expect_between("the growth of uordblks", wanted, grown,
		       wanted + wanted / 8 + MIB);
	put_blocks();
}

static void uordblks_shrinks_by_what_was_freed(void)
{
	size_t before, after;

	take_blocks();
	before = mallinfo2().uordblks;
	put_blocks();
	malloc_trim(0);
	after = mallinfo2().uordblks;
	CHECK_THAT(after < before, "%zu, then %zu", before, after);
	expect_between("the fall of uordblks", (size_t)BLOCKS * BLOCK / 2, before - after,
		       (size_t)BLOCKS * BLOCK * 5 / 4);
}

static void arena_is_the_sum_of_used_and_free(void)
{
	struct mallinfo2 info;

	take_blocks();
	put_blocks();
	info = mallinfo2();
	CHECK_THAT(info.uordblks + info.fordblks == info.arena,
		   "arena %zu is not uordblks %zu + fordblks %zu", info.arena,
		   info.uordblks, info.fordblks);
	CHECK(info.arena >= info.uordblks && info.arena > 0);
}

static void hblkhd_counts_large_blocks(void)
{
	struct mallinfo2 before = mallinfo2(), during, after;
	char *first = malloc(64 * MIB), *second = malloc(40 * MIB);

	CHECK(first && second);
	during = mallinfo2();
	expect_between("the growth of hblkhd", 104 * MIB, during.hblkhd - before.hblkhd,
		       108 * MIB);
	expect_between("the growth of hblks", 2, during.hblks - before.hblks, 2);
	free(hidden(first));
	free(hidden(second));
	after = mallinfo2();
	CHECK_THAT(after.hblks == before.hblks, "hblks %zu, then %zu", before.hblks,
		   after.hblks);
	CHECK_THAT(after.hblkhd == before.hblkhd, "hblkhd %zu, then %zu", before.hblkhd,
		   after.hblkhd);
}

/* The old structure has int fields: the same numbers as long as they fit. */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
static void mallinfo_says_what_mallinfo2_says(void)
{
	struct mallinfo2 wide;
	struct mallinfo narrow;

	take_blocks();
	wide = mallinfo2();
	narrow = mallinfo();
	CHECK((size_t)narrow.arena == wide.arena);
	CHECK((size_t)narrow.uordblks == wide.uordblks);
	CHECK((size_t)narrow.fordblks == wide.fordblks);
	CHECK((size_t)narrow.hblkhd == wide.hblkhd);
	CHECK((size_t)narrow.hblks == wide.hblks);
	put_blocks();
}

static const char xml_check[] =
	"import sys, xml.etree.ElementTree as tree\n"
	"root = tree.parse(sys.argv[1]).getroot()\n"
	"assert root.tag == 'malloc' and root.get('version') == '1', root.attrib\n"
	"heaps = root.findall('heap')\n"
	"assert heaps and heaps[0].get('nr') == '0', heaps\n"
	"for part in heaps + [root]:\n"
	"    assert {t.get('type') for t in part.findall('total')} >= {'fast', 'rest'}\n"
	"    systems = part.findall('system')\n"
	"    sizes = {s.get('type'): int(s.get('size')) for s in systems}\n"
	"    assert sizes['max'] >= sizes['current'], sizes\n"
	"    assert part.findall('aspace'), part\n"
	"least = int(sys.argv[2])\n"
	"mapped = [t for t in root.findall('total') if t.get('type') == 'mmap']\n"
	"total = sizes['current'] + sum(int(t.get('size')) for t in mapped)\n"
	"assert total >= least, sizes\n";

static void malloc_info_is_xml_of_glibc_s_shape(void)
{
	static struct child child;
	char name[] = "/tmp/malloc-info-XXXXXX";
	const char *const argv[] = { "python3", "-c", xml_check, name, "83000000", NULL };
	const char *const changes[] = { "LD_PRELOAD", NULL };
	char *large = malloc(64 * MIB);
	FILE *file = fdopen(mkstemp(name), "w");

	CHECK(file && large);
	take_blocks();
	memset(large, 1, 64 * MIB);
	CHECK(malloc_info(0, file) == 0);
	CHECK(fclose(file) == 0);
	child_run(&child, argv, changes);
	unlink(name);
	if (WEXITSTATUS(child.status) == 127)
		contract_skip("no python3 to parse it");
	CHECK_THAT(child_succeeded(&child), "python3 says: %s", child.errors);
	free(large);
	put_blocks();
}

static void malloc_info_refuses_options_with_einval(void)
{
	FILE *file = fopen("/dev/null", "w");

	CHECK(file);
	CHECK(malloc_info(1, file) == EINVAL);
	fclose(file);
}

enum { MOST_NUMBERS = 64 };

/* All the numbers that malloc_stats writes, in order: the words around them are free. */
static size_t numbers_of_stats(size_t numbers[MOST_NUMBERS])
{
	char text[8192];
	char *place = text;
	int kept = dup(2), fd = scratch_file("stats");
	size_t count = 0;
	ssize_t length;

	CHECK(dup2(fd, 2) == 2);
	malloc_stats();
	fflush(stderr);
	CHECK(dup2(kept, 2) == 2);
	length = pread(fd, text, sizeof(text) - 1, 0);
	CHECK_THAT(length > 0, "malloc_stats wrote nothing to standard error");
	text[length] = '\0';
	while (count < MOST_NUMBERS && *(place += strcspn(place, "0123456789")))
		numbers[count++] = strtoul(place, &place, 10);
	close(fd);
	close(kept);
	return count;
}

static void malloc_stats_tells_the_bytes_in_use(void)
{
	size_t before[MOST_NUMBERS], after[MOST_NUMBERS];
	size_t small = (size_t)BLOCKS * BLOCK, count, large_seen = 0, small_seen = 0;
	char *large;

	take_blocks();
	put_blocks();
	count = numbers_of_stats(before);
	large = malloc(64 * MIB);
	CHECK(large);
	take_blocks();
	CHECK_THAT(numbers_of_stats(after) == count, "it has another shape now");
	for (size_t i = 0; i < count; i++) {
		size_t grown = after[i] - before[i];

		small_seen += grown >= small * 3 / 4 && grown <= small * 5 / 4;
		large_seen += grown >= 64 * MIB && grown <= 90 * MIB;
	}
	CHECK_THAT(small_seen, "no number of it grew by 16 MiB in small blocks");
	CHECK_THAT(large_seen, "no number of it grew by a large block of 64 MiB");
	free(hidden(large));
	put_blocks();
}

static void malloc_trim_gives_memory_back_and_says_so(void)
{
	enum { ROUNDS = 12 };
	static char *all[ROUNDS][BLOCKS];
	size_t full;

	for (size_t i = 0; i < ROUNDS; i++) {
		take_blocks();
		memcpy(all[i], blocks, sizeof(blocks));
	}
	need_madvise();
	full = resident_bytes();
	for (size_t i = 0; i < ROUNDS; i++)
		for (size_t j = 0; j < BLOCKS; j++)
			free(all[i][j]);
	free(memset(malloc(64 * MIB), 1, 64 * MIB));
	CHECK(malloc_trim(0) == 1);
	CHECK_THAT(resident_bytes() + 140 * MIB < full, "%zu MiB full, %zu MiB trimmed",
		   full / MIB, resident_bytes() / MIB);
	take_blocks();
	put_blocks();
}

static void mallopt_answers_and_changes_no_block(void)
{
	static const int parameters[] = { M_MXFAST, M_TRIM_THRESHOLD, M_TOP_PAD,
					  M_MMAP_THRESHOLD, M_MMAP_MAX, M_CHECK_ACTION,
					  M_PERTURB, M_ARENA_TEST, M_ARENA_MAX, 4711 };
	static const int values[] = { 0, 1, 65536, -1 };

	take_blocks();
	for (size_t i = 0; i < sizeof(parameters) / sizeof(*parameters); i++) {
		for (size_t j = 0; j < sizeof(values) / sizeof(*values); j++) {
			int answer = mallopt(parameters[i], values[j]);

			CHECK(answer == 0 || answer == 1);
		}
	}
	CHECK(all_zero(memset(blocks[0], 0, BLOCK), BLOCK));
	for (size_t i = 1; i < BLOCKS; i++)
		CHECK(blocks[i][0] == 1 && blocks[i][BLOCK - 1] == 1);
	put_blocks();
	take_blocks();
	put_blocks();
}

static void malloc_get_state_and_malloc_set_state_fail(void)
{
	void *(*get)(void) = dlsym(RTLD_DEFAULT, "malloc_get_state");
	int (*set)(void *) = dlsym(RTLD_DEFAULT, "malloc_set_state");
	char state[4096] = { 0 };

	CHECK(get && set);
	CHECK(get() == NULL);
	CHECK(set(state) == -1);
}

static const struct contract_case cases[] = {
	CASE(uordblks_grows_by_what_was_allocated),
	CASE(uordblks_shrinks_by_what_was_freed),
	CASE(arena_is_the_sum_of_used_and_free),
	CASE(hblkhd_counts_large_blocks),
	CASE(mallinfo_says_what_mallinfo2_says),
	CASE(malloc_info_is_xml_of_glibc_s_shape),
	CASE(malloc_info_refuses_options_with_einval),
	CASE(malloc_stats_tells_the_bytes_in_use),
	CASE(malloc_trim_gives_memory_back_and_says_so),
	CASE(mallopt_answers_and_changes_no_block),
	CASE(malloc_get_state_and_malloc_set_state_fail),
};

CONTRACT_MAIN(cases)

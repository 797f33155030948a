/* SPDX-License-Identifier: MIT */
/*
 * jemalloc's names belong to the same heap as malloc: what one gives, the other frees. mallctl
 * tells of this heap, as jemalloc's manual says, and does to it what it is told. The names are
 * looked up by dlsym, so that no header of jemalloc's is needed.
 */
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"

enum { BLOCK = 3000, BLOCKS = 40000, ZERO = 0x40, NO_CACHE = 1 << 8, WORDS = 8 };

#define ARENA(number)	((int)((number) + 1) << 20)

/* Exported, since the program is linked so; the library reads it at its start. */
const char *malloc_conf = "dirty_decay_ms:700,lg_chunk:20";

static struct {
	void *(*mallocx)(size_t size, int flags);
	void *(*rallocx)(void *block, size_t size, int flags);
	size_t (*xallocx)(void *block, size_t size, size_t extra, int flags);
	size_t (*sallocx)(const void *block, int flags);
	void (*dallocx)(void *block, int flags);
	void (*sdallocx)(void *block, size_t size, int flags);
	size_t (*nallocx)(size_t size, int flags);
	int (*mallctl)(const char *name, void *old, size_t *old_bytes, void *value, size_t bytes);
	int (*to_mib)(const char *name, size_t *mib, size_t *length);
	int (*by_mib)(const size_t *mib, size_t length, void *old, size_t *old_bytes,
		      void *value, size_t bytes);
	void (*print)(void (*write)(void *, const char *), void *argument, const char *wanted);
} je;

static void begin(void)
{
	contract_look_up(&je.mallocx, "mallocx");
	contract_look_up(&je.rallocx, "rallocx");
	contract_look_up(&je.xallocx, "xallocx");
	contract_look_up(&je.sallocx, "sallocx");
	contract_look_up(&je.dallocx, "dallocx");
	contract_look_up(&je.sdallocx, "sdallocx");
	contract_look_up(&je.nallocx, "nallocx");
	contract_look_up(&je.mallctl, "mallctl");
	contract_look_up(&je.to_mib, "mallctlnametomib");
	contract_look_up(&je.by_mib, "mallctlbymib");
	contract_look_up(&je.print, "malloc_stats_print");
}

static void every_name_is_the_library_s(void)
{
	begin();
	CHECK(contract_is_of_library(dlsym(RTLD_NEXT, "malloc_conf")));
	CHECK(contract_is_of_library(dlsym(RTLD_DEFAULT, "malloc_message")));
}

static void what_one_name_gives_another_frees(void)
{
	begin();
	for (size_t size = 1; size < 4 * MIB; size = size * 3 + 1) {
		char *mine = malloc(size), *theirs = je.mallocx(size, NO_CACHE);
		size_t usable = je.sallocx(mine, 0);

		CHECK(mine && theirs && usable >= size && usable == malloc_usable_size(mine));
		CHECK(je.sallocx(theirs, 0) == je.nallocx(size, 0));
		pattern_write(mine, size, 1);
		pattern_write(theirs, size, 2);
		mine = je.rallocx(mine, 2 * size, 0);
		theirs = realloc(theirs, 2 * size);
		CHECK(mine && pattern_holds(mine, size, 1));
		CHECK(theirs && pattern_holds(theirs, size, 2));
		je.sdallocx(mine, 2 * size, NO_CACHE);
		free(theirs);
		je.dallocx(malloc(size), 0);
	}
}

static void flags_are_kept(void)
{
	begin();
	for (int lg = 4; lg <= 22; lg++) {
		char *dirty = malloc(BLOCK), *block;

		memset(dirty, 1, BLOCK);
		free(dirty);
		block = je.mallocx(BLOCK, lg | ZERO | NO_CACHE);
		CHECK(block && is_aligned(block, (size_t)1 << lg) && all_zero(block, BLOCK));
		block = je.rallocx(block, 50 * BLOCK, lg | ZERO | ARENA(0));
		CHECK(block && is_aligned(block, (size_t)1 << lg) && all_zero(block, 50 * BLOCK));
		CHECK(je.xallocx(block, 50 * BLOCK, 0, lg) >= 50 * BLOCK);
		je.sdallocx(block, 50 * BLOCK, lg);
	}
	CHECK(!je.mallocx(hidden_size(SIZE_MAX), 0));
}

/* So that what it grows by again is zero. */
static void xallocx_gives_back_what_is_beyond(void)
{
	char *block;

	begin();
	block = je.mallocx(4 * MIB, 0);
	memset(block, 1, 4 * MIB);
	CHECK(je.xallocx(block, 3 * MIB, 0, 0) == 3 * MIB && je.sallocx(block, 0) == 3 * MIB);
	if (je.xallocx(block, 4 * MIB, 0, ZERO) == 4 * MIB)
		CHECK(all_zero(block + 3 * MIB, MIB));
	je.sdallocx(block, 4 * MIB, 0);
}

/* All that a block may hold stays in it as it grows, and all that is added is zero. */
static void rallocx_keeps_what_is_usable(void)
{
	char *block;
	size_t size = 1, usable;

	begin();
	for (size = 1; size < 20 * KIB; size += 1 + size / 3) {
		block = je.mallocx(size, 0);
		memset(block, 1, je.sallocx(block, 0));
		je.dallocx(block, 0);
		block = je.mallocx(size, ZERO);
		CHECK(all_zero(block, je.sallocx(block, 0)));
		block = je.rallocx(block, size, 12 | ZERO);
		CHECK(is_aligned(block, 4096) && all_zero(block, je.sallocx(block, 0)));
		je.dallocx(block, 0);
	}
	size = 1;
	block = je.mallocx(size, ZERO);
	while (size < 40 * KIB) {
		usable = je.sallocx(block, 0);
		memset(block, 7, usable);
		size += 1 + size / 9;
		block = je.rallocx(block, size, ZERO);
		CHECK(block && block[0] == 7);
		CHECK_THAT(!memcmp(block, block + 1, usable - 1), "growing to %zu loses some",
			   size);
		if (je.sallocx(block, 0) > usable)
			CHECK(all_zero(block + usable, je.sallocx(block, 0) - usable));
	}
	je.dallocx(block, 0);
}

static int read_size(const char *name, size_t *value)
{
	size_t bytes = sizeof(*value);

	return je.mallctl(name, value, &bytes, NULL, 0);
}

static size_t size_of(const char *name)
{
	size_t value = 0;

	CHECK_THAT(read_size(name, &value) == 0, "%s has no answer", name);
	return value;
}

static unsigned unsigned_of(const char *name)
{
	unsigned value = 0;
	size_t bytes = sizeof(value);

	CHECK_THAT(je.mallctl(name, &value, &bytes, NULL, 0) == 0, "%s has no answer", name);
	return value;
}

static void begin_epoch(void)
{
	uint64_t epoch = 1;

	CHECK(je.mallctl("epoch", NULL, NULL, &epoch, sizeof(epoch)) == 0);
}

static char *blocks[BLOCKS];

static void take_blocks(size_t count)
{
	for (size_t i = 0; i < count; i++) {
		blocks[i] = malloc(BLOCK);
		CHECK(blocks[i]);
		memset(blocks[i], 1, BLOCK);
	}
}

static void expect_near(const char *what, size_t found, size_t expected)
{
	CHECK_THAT(found >= expected - expected / 50 && found <= expected + expected / 50,
		   "%s: %zu; 2 %% around %zu were expected", what, found, expected);
}

static void resident_is_what_the_kernel_says(void)
{
	size_t before, grown, at_first;

	begin();
	need_proc();
	begin_epoch();
	before = resident_bytes();
	at_first = size_of("stats.resident");
	take_blocks(BLOCKS);
	begin_epoch();
	grown = resident_bytes() - before;
	expect_near("growth of stats.resident", size_of("stats.resident") - at_first, grown);
	CHECK(size_of("stats.metadata") < size_of("stats.resident") / 20);
}

static void allocated_and_active_follow_the_program(void)
{
	size_t before, wanted = (size_t)BLOCKS * BLOCK, grown;

	begin();
	/* Asked before, so that what the kernel said then may still be in hand. */
	blocks[0] = malloc(BLOCK);
	CHECK(blocks[0]);
	free(blocks[0]);
	begin_epoch();
	before = size_of("stats.allocated");
	take_blocks(BLOCKS);
	CHECK(size_of("stats.allocated") == before);
	begin_epoch();
	grown = size_of("stats.allocated") - before;
	CHECK_THAT(grown >= wanted && grown <= wanted + wanted / 8, "%zu for %zu", grown, wanted);
	CHECK(size_of("stats.active") >= size_of("stats.allocated"));
	CHECK(size_of("stats.active") <= size_of("stats.resident"));
	CHECK(size_of("stats.mapped") >= size_of("stats.active"));
	CHECK(size_of("stats.arenas.0.small.allocated") +
		      size_of("stats.arenas.4096.large.allocated") == size_of("stats.allocated"));
	CHECK(size_of("stats.arenas.0.pactive") * size_of("arenas.page") ==
	      size_of("stats.active"));
}

/* As redis does it: one behind the last stands for all. */
static void purge_gives_back(void)
{
	char name[64];
	size_t full;

	begin();
	need_madvise();
	take_blocks(BLOCKS);
	begin_epoch();
	full = size_of("stats.resident");
	for (size_t i = 0; i < BLOCKS; i++)
		free(blocks[i]);
	snprintf(name, sizeof(name), "arena.%u.purge", unsigned_of("arenas.narenas"));
	CHECK(je.mallctl(name, NULL, NULL, NULL, 0) == 0);
	begin_epoch();
	CHECK_THAT(size_of("stats.resident") < full / 4, "%zu of %zu", size_of("stats.resident"),
		   full);
	CHECK(je.mallctl("arena.4096.decay", NULL, NULL, NULL, 0) == 0);
	CHECK(je.mallctl("thread.tcache.flush", NULL, NULL, NULL, 0) == 0);
}

static void short_forms_lead_to_the_same_values(void)
{
	size_t mib[WORDS], length = WORDS, last = 0, size, bytes = sizeof(size);
	unsigned nbins;

	begin();
	nbins = unsigned_of("arenas.nbins");
	CHECK(nbins > 30);
	CHECK(je.to_mib("arenas.bin.0.size", mib, &length) == 0 && length == 4);
	for (mib[2] = 0; mib[2] < 30; mib[2]++) {
		CHECK(je.by_mib(mib, length, &size, &bytes, NULL, 0) == 0 && size > last);
		last = size;
		CHECK(je.nallocx(size, 0) == size);
	}
	mib[2] = nbins;
	CHECK(je.by_mib(mib, length, &size, &bytes, NULL, 0) == ENOENT);
	length = WORDS;
	CHECK(je.to_mib("stats.arenas.0.bins.3.curregs", mib, &length) == 0 && length == 6);
	mib[2] = 4096;
	CHECK(je.by_mib(mib, length, &size, &bytes, NULL, 0) == 0);
	length = WORDS;
	CHECK(je.to_mib("arenas.lextent.0.size", mib, &length) == 0 && length == 4);
	for (mib[2] = 0; mib[2] < unsigned_of("arenas.nlextents"); mib[2]++) {
		CHECK(je.by_mib(mib, length, &size, &bytes, NULL, 0) == 0 && size > last);
		last = size;
		CHECK(je.nallocx(size, 0) == size);
	}
	CHECK(last > PTRDIFF_MAX / 2 && !je.mallocx(last, 0));
	CHECK(je.by_mib(mib, length, &size, &bytes, NULL, 0) == ENOENT);
	/* A part of a name has a form, and no value. */
	length = WORDS;
	CHECK(je.to_mib("stats.arenas", mib, &length) == 0 && length == 2);
	CHECK(je.by_mib(mib, length, &size, &bytes, NULL, 0) == ENOENT);
	CHECK(je.to_mib("stats.nothing", mib, &length) == ENOENT);
}

static void sizes_and_rights_are_checked(void)
{
	static const char *const unknown[] = {
		"", "stats", "stats.allocated.x", "opt.prof", "prof.active", "thread.allocated",
		"arenas.bin.5000.size", "stats.arenas.77.pactive", "arenas.bin.x.size",
		"arenas..narenas",
	};
	size_t value = 0, bytes = sizeof(value);
	unsigned narrow = 7;
	bool truth = true;

	begin();
	for (size_t i = 0; i < sizeof(unknown) / sizeof(*unknown); i++)
		CHECK_THAT(read_size(unknown[i], &value) == ENOENT, "%s has an answer", unknown[i]);
	bytes = sizeof(narrow);
	CHECK(je.mallctl("arenas.page", &narrow, &bytes, NULL, 0) == EINVAL);
	CHECK(narrow == size_of("arenas.page") && bytes == sizeof(narrow));
	bytes = sizeof(value);
	CHECK(je.mallctl("arenas.narenas", &value, &bytes, NULL, 0) == EINVAL);
	CHECK(bytes == sizeof(unsigned));
	CHECK(je.mallctl("epoch", NULL, NULL, &narrow, sizeof(narrow)) == EINVAL);
	CHECK(je.mallctl("stats.allocated", NULL, NULL, &value, sizeof(value)) == EPERM);
	bytes = sizeof(value);
	CHECK(je.mallctl("arena.0.purge", &value, &bytes, NULL, 0) == EPERM);
	value = (size_t)-2;
	CHECK(je.mallctl("arena.0.dirty_decay_ms", NULL, NULL, &value, sizeof(value)) == EFAULT);
	CHECK(je.mallctl("background_thread", NULL, NULL, &truth, sizeof(truth)) == 0);
}

static unsigned new_arena(void)
{
	return unsigned_of("arenas.create");
}

static int in_arena(unsigned number, const char *what)
{
	char name[64];

	snprintf(name, sizeof(name), "arena.%u.%s", number, what);
	return je.mallctl(name, NULL, NULL, NULL, 0);
}

static void an_arena_of_ones_own_goes_at_once(void)
{
	unsigned number;
	size_t before;

	begin();
	number = new_arena();
	CHECK(number > 0 && unsigned_of("arenas.narenas") == number + 1);
	begin_epoch();
	before = size_of("stats.allocated");
	for (unsigned round = 0; round < 20; round++) {
		for (unsigned i = 0; i < 1000; i++) {
			char *block = je.mallocx(BLOCK, ARENA(number) | NO_CACHE);

			pattern_write(block, BLOCK, i);
			block = je.rallocx(block, 2 * BLOCK, ARENA(number) | NO_CACHE);
			CHECK(block && pattern_holds(block, BLOCK, i));
			if (i % 2)
				je.sdallocx(block, 2 * BLOCK, NO_CACHE);
		}
		CHECK(in_arena(number, "reset") == 0);
	}
	CHECK(in_arena(number, "destroy") == 0 && in_arena(number, "destroy") == EFAULT);
	CHECK(in_arena(0, "reset") == EFAULT);
	begin_epoch();
	CHECK_THAT(size_of("stats.allocated") < before + MIB, "%zu live, %zu before",
		   size_of("stats.allocated"), before);
	CHECK(new_arena() == number);
}

static void part_say_options(void)
{
	begin();
	printf("%zd %zd\n", (ssize_t)size_of("opt.dirty_decay_ms"),
	       (ssize_t)size_of("opt.muzzy_decay_ms"));
}

static void expect_options(const char *first, const char *second, const char *output,
			   const char *errors)
{
	const char *const changes[] = { first, second, NULL };
	static struct child child;

	child_run_case(&child, "part_say_options", NULL, changes);
	CHECK_THAT(child_succeeded(&child) && !strcmp(child.output, output),
		   "%s: \"%s\", not \"%s\"; %s", first, child.output, output, child.errors);
	CHECK_THAT(!strcmp(child.errors, errors), "%s: \"%s\", not \"%s\"", first, child.errors,
		   errors);
}

#define OF_PROGRAM	"hakmem: malloc_conf: without a meaning here: lg_chunk\n"

static void jemalloc_s_options_are_obeyed_or_named(void)
{
	expect_options("MALLOC_CONF", NULL, "700 0\n", OF_PROGRAM);
	expect_options("MALLOC_CONF=dirty_decay_ms:0,muzzy_decay_ms:0", NULL, "0 0\n", OF_PROGRAM);
	expect_options("MALLOC_CONF=muzzy_decay_ms:300", NULL, "700 300\n", OF_PROGRAM);
	expect_options("MALLOC_CONF=dirty_decay_ms:-1", NULL, "-1 0\n", OF_PROGRAM);
	expect_options("MALLOC_CONF=dirty_decay_ms:20", "HAKMEM_OPTIONS=decay_ms:50", "50 0\n",
		       OF_PROGRAM);
	expect_options("MALLOC_CONF=narenas:2,dirty_decay_ms:9,prof:true", NULL, "9 0\n",
		       OF_PROGRAM "hakmem: MALLOC_CONF: without a meaning here: narenas, prof\n");
	expect_options("MALLOC_CONF=dirty_decay_ms:soon", NULL, "700 0\n",
		       OF_PROGRAM "hakmem: MALLOC_CONF: a bad value of: dirty_decay_ms\n");
}

static char printed[4096];

static void keep(void *argument, const char *text)
{
	CHECK(argument == printed);
	strncat(printed, text, sizeof(printed) - strlen(printed) - 1);
}

static void stats_are_printed_where_they_are_wanted(void)
{
	begin();
	je.print(keep, printed, NULL);
	CHECK(strstr(printed, "allocated: ") && strstr(printed, "resident: "));
	printed[0] = '\0';
	je.print(keep, printed, "J");
	CHECK(strncmp(printed, "{\"jemalloc\":{", 13) == 0 && strstr(printed, "\"resident\":"));
}

static const struct contract_case cases[] = {
	CASE(every_name_is_the_library_s),
	CASE(what_one_name_gives_another_frees),
	CASE(flags_are_kept),
	CASE(rallocx_keeps_what_is_usable),
	CASE(xallocx_gives_back_what_is_beyond),
	/* A helper brings pages meanwhile, and has some in hand. */
	CASE_WITH(resident_is_what_the_kernel_says, "helpers:never"),
	CASE(allocated_and_active_follow_the_program),
	CASE(purge_gives_back),
	CASE(short_forms_lead_to_the_same_values),
	CASE(sizes_and_rights_are_checked),
	CASE(an_arena_of_ones_own_goes_at_once),
	CASE(jemalloc_s_options_are_obeyed_or_named),
	CASE(stats_are_printed_where_they_are_wanted),
	CASE_PART(part_say_options),
	{ "what_one_name_gives_another_frees_when_hardened", what_one_name_gives_another_frees,
	  PRELOADED, "hardened:true" },
	{ "flags_are_kept_when_hardened", flags_are_kept, PRELOADED, "hardened:true" },
	{ "an_arena_goes_at_once_when_hardened", an_arena_of_ones_own_goes_at_once, PRELOADED,
	  "hardened:true" },
};

CONTRACT_MAIN(cases)

/* SPDX-License-Identifier: MIT */
/*
 * tcmalloc's names in C belong to the same heap as malloc, and its properties tell of this heap.
 * They are looked up by dlsym, so that no header of tcmalloc's is needed.
 */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"

enum { BLOCKS = 20000, BLOCK = 3000 };

static void what_one_name_gives_another_frees(void)
{
	void *(*take)(size_t size), (*put)(void *block), *(*resize)(void *block, size_t size);
	size_t (*size_of)(void *block);

	contract_look_up(&take, "tc_malloc");
	contract_look_up(&put, "tc_free");
	contract_look_up(&resize, "tc_realloc");
	contract_look_up(&size_of, "tc_malloc_size");
	for (size_t size = 1; size < 4 * MIB; size = size * 3 + 1) {
		char *mine = malloc(size), *theirs = take(size);

		CHECK(mine && theirs && size_of(mine) == malloc_usable_size(mine));
		pattern_write(mine, size, 1);
		mine = resize(mine, 2 * size);
		CHECK(mine && pattern_holds(mine, size, 1));
		put(mine);
		free(theirs);
	}
}

/* Where tcmalloc is loaded, too, a name that were its own would free our block, or the reverse. */
static void every_name_that_takes_or_frees_is_there(void)
{
	static const char *const names[] = {
		"tc_calloc", "tc_cfree", "tc_delete", "tc_delete_aligned",
		"tc_delete_aligned_nothrow", "tc_delete_nothrow", "tc_delete_sized",
		"tc_delete_sized_aligned", "tc_deletearray", "tc_deletearray_aligned",
		"tc_deletearray_aligned_nothrow", "tc_deletearray_nothrow",
		"tc_deletearray_sized", "tc_deletearray_sized_aligned", "tc_free_sized",
		"tc_malloc_skip_new_handler", "tc_memalign", "tc_nallocx", "tc_new",
		"tc_new_aligned", "tc_new_aligned_nothrow", "tc_new_nothrow", "tc_newarray",
		"tc_newarray_aligned", "tc_newarray_aligned_nothrow", "tc_newarray_nothrow",
		"tc_posix_memalign", "tc_pvalloc", "tc_valloc",
	};
	void *(*take)(size_t size), (*put)(void *block, size_t size);

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		contract_look_up(&take, names[i]);
	contract_look_up(&take, "tc_new");
	contract_look_up(&put, "tc_delete_sized");
	for (size_t size = 1; size < 4 * MIB; size = size * 3 + 1)
		put(memset(take(size), 1, size), size);
}

static void properties_follow_the_program(void)
{
	static char *blocks[BLOCKS];
	int (*get)(const char *name, size_t *value), (*set)(const char *name, size_t value);
	size_t before, after, other;

	contract_look_up(&get, "MallocExtension_GetNumericProperty");
	contract_look_up(&set, "MallocExtension_SetNumericProperty");
	CHECK(get("generic.current_allocated_bytes", &before) == 1);
	for (size_t i = 0; i < BLOCKS; i++) {
		blocks[i] = malloc(BLOCK);
		CHECK(blocks[i]);
		memset(blocks[i], 1, BLOCK);
	}
	CHECK(get("generic.current_allocated_bytes", &after) == 1);
	CHECK_THAT(after - before >= BLOCKS * (size_t)BLOCK, "%zu, then %zu", before, after);
	CHECK(get("generic.heap_size", &other) == 1 && other >= BLOCKS * (size_t)BLOCK);
	CHECK(!get("no.such.property", &other) && !set("tcmalloc.no_such", 1));
}

static void release_gives_back(void)
{
	static char *blocks[BLOCKS];
	void (*release)(void), (*idle)(void);
	int (*get)(const char *name, size_t *value);
	size_t full, left;

	contract_look_up(&release, "MallocExtension_ReleaseFreeMemory");
	contract_look_up(&idle, "MallocExtension_MarkThreadIdle");
	contract_look_up(&get, "MallocExtension_GetNumericProperty");
	for (size_t i = 0; i < BLOCKS; i++) {
		blocks[i] = malloc(BLOCK);
		CHECK(blocks[i]);
		memset(blocks[i], 1, BLOCK);
	}
	CHECK(get("generic.heap_size", &full) == 1);
	for (size_t i = 0; i < BLOCKS; i++)
		free(blocks[i]);
	idle();
	release();
	CHECK(get("generic.heap_size", &left) == 1);
	CHECK_THAT(left < full / 3, "%zu of %zu are left", left, full);
}

static const struct contract_case cases[] = {
	CASE(what_one_name_gives_another_frees),
	CASE(every_name_that_takes_or_frees_is_there),
	CASE(properties_follow_the_program),
	CASE_WITH(release_gives_back, "helpers:never"),
};

CONTRACT_MAIN(cases)

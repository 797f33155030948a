/* SPDX-License-Identifier: MIT */
/*
 * Every name of the heap is the library's, and all of them are one heap: what one name
 * gave, another resizes and frees. Names that glibc only keeps for old programs, or does
 * not have yet, are looked up by dlsym, as those programs' linker would.
 */
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"

static const char *const names[] = {
	"malloc", "free", "calloc", "realloc", "reallocarray", "posix_memalign",
	"aligned_alloc", "memalign", "valloc", "pvalloc", "malloc_usable_size", "cfree",
	"free_sized", "free_aligned_sized", "malloc_trim", "mallinfo", "mallinfo2",
	"malloc_info", "malloc_stats", "mallopt", "malloc_get_state", "malloc_set_state",
	"__libc_malloc", "__libc_calloc", "__libc_realloc", "__libc_free",
	"__libc_memalign", "__libc_valloc", "__libc_pvalloc", "__libc_cfree",
	"__posix_memalign", "__libc_reallocarray", "__libc_mallinfo", "__libc_mallopt",
	"_Znwm", "_Znam", "_ZnwmRKSt9nothrow_t", "_ZnamRKSt9nothrow_t",
	"_ZnwmSt11align_val_t", "_ZnamSt11align_val_t",
	"_ZnwmSt11align_val_tRKSt9nothrow_t", "_ZnamSt11align_val_tRKSt9nothrow_t",
	"_ZdlPv", "_ZdaPv", "_ZdlPvm", "_ZdaPvm", "_ZdlPvRKSt9nothrow_t",
	"_ZdaPvRKSt9nothrow_t", "_ZdlPvSt11align_val_t", "_ZdaPvSt11align_val_t",
	"_ZdlPvmSt11align_val_t", "_ZdaPvmSt11align_val_t",
	"_ZdlPvSt11align_val_tRKSt9nothrow_t", "_ZdaPvSt11align_val_tRKSt9nothrow_t",
};

static void every_name_is_the_library_s(void)
{
	const char *missing[sizeof(names) / sizeof(*names)];
	size_t count = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!contract_is_of_library(dlsym(RTLD_DEFAULT, names[i])))
			missing[count++] = names[i];
	for (size_t i = 0; i + 1 < count; i++)
		dprintf(2, "%s: not the library's\n", missing[i]);
	CHECK_THAT(count == 0, "%s: not the library's", missing[count - 1]);
}

typedef void *(*sized_function)(size_t size);
typedef void *(*counted_function)(size_t count, size_t size);
typedef void *(*aligned_function)(size_t alignment, size_t size);
typedef void *(*resizing_function)(void *block, size_t size);
typedef void *(*array_function)(void *block, size_t count, size_t size);
typedef int (*placing_function)(void **place, size_t alignment, size_t size);
typedef void (*freeing_function)(void *block);

static void *find(const char *name)
{
	void *found = dlsym(RTLD_DEFAULT, name);

	CHECK_THAT(found != NULL, "there is no %s", name);
	return found;
}

enum { GIVERS = 7, TAKERS = 4, BLOCK = 3000 };

/* A block from the i-th of all the functions that give one. */
static void *give(size_t i)
{
	void *place = NULL;

	switch (i) {
	case 0:
		return ((sized_function)find("__libc_malloc"))(BLOCK);
	case 1:
		return ((counted_function)find("__libc_calloc"))(3, BLOCK / 3);
	case 2:
		return ((aligned_function)find("__libc_memalign"))(128, BLOCK);
	case 3:
		return ((sized_function)find("__libc_valloc"))(BLOCK);
	case 4:
		return ((sized_function)find("__libc_pvalloc"))(BLOCK);
	case 5:
		CHECK(!((placing_function)find("__posix_memalign"))(&place, 64, BLOCK));
		return place;
	default:
		return malloc(BLOCK);
	}
}

static void take(size_t i, void *block)
{
	static const char *const takers[TAKERS] = { "free", "cfree", "__libc_free",
						    "__libc_cfree" };

	((freeing_function)find(takers[i]))(block);
}

static void blocks_of_one_name_can_be_resized_and_freed_by_another(void)
{
	resizing_function resize = find("__libc_realloc");

	for (size_t i = 0; i < GIVERS; i++) {
		for (size_t j = 0; j < TAKERS; j++) {
			char *block = give(i), *other = give(i);

			CHECK(block && other && malloc_usable_size(block) >= BLOCK);
			pattern_write(block, BLOCK, i);
			pattern_write(other, BLOCK, j);
			block = j % 2 ? resize(block, 2 * BLOCK) :
					realloc(block, 2 * BLOCK);
			CHECK(block && pattern_holds(block, BLOCK, i));
			CHECK(pattern_holds(other, BLOCK, j));
			take(j, block);
			take(TAKERS - 1 - j, other);
		}
	}
}

static void libc_s_other_names_keep_the_contract(void)
{
	array_function resize = find("__libc_reallocarray");
	counted_function clear = find("__libc_calloc");
	placing_function place = find("__posix_memalign");
	void *block = &block;
	char *dirty;

	errno = 0;
	CHECK(resize(NULL, SIZE_MAX, 2) == NULL && errno == ENOMEM);
	CHECK(place(&block, 3, 8) == EINVAL && block == &block);
	CHECK(is_aligned(give(2), 128) && is_aligned(give(3), 4096));
	for (size_t i = 0; i < 100; i++) {
		dirty = malloc(BLOCK);
		memset(dirty, 1, BLOCK);
		free(dirty);
		block = clear(1, BLOCK);
		CHECK(all_zero(block, BLOCK));
		block = resize(block, 10, BLOCK);
		CHECK(block && all_zero(block, BLOCK));
		free(block);
	}
}

typedef void (*sized_free_function)(void *block, size_t size);
typedef void (*aligned_free_function)(void *block, size_t alignment, size_t size);

static void free_sized_frees_blocks_of_malloc_calloc_and_realloc(void)
{
	sized_free_function free_sized = find("free_sized");

	errno = 1234;
	free_sized(NULL, 100);
	for (size_t size = 0; size <= 4 * MIB; size += size < 9000 ? 1 : size / 5) {
		void *blocks[] = { malloc(size), calloc(1, size), realloc(NULL, size) };

		for (size_t i = 0; i < 3; i++) {
			CHECK(blocks[i]);
			pattern_write(blocks[i], size, i);
		}
		for (size_t i = 0; i < 3; i++) {
			CHECK(pattern_holds(blocks[i], size, i));
			free_sized(blocks[i], size);
		}
	}
	CHECK(errno == 1234);
}

static void free_aligned_sized_frees_blocks_of_aligned_alloc(void)
{
	aligned_free_function free_aligned_sized = find("free_aligned_sized");

	errno = 1234;
	free_aligned_sized(NULL, 64, 64);
	for (size_t alignment = 16; alignment <= 4 * MIB; alignment *= 2) {
		for (size_t size = 0; size <= 3 * MIB; size = size * 3 + 100) {
			char *block = aligned_alloc(alignment, size);

			CHECK(block && is_aligned(block, alignment));
			pattern_write(block, size, alignment);
			CHECK(pattern_holds(block, size, alignment));
			free_aligned_sized(block, alignment, size);
		}
	}
	CHECK(errno == 1234);
}

static const struct contract_case cases[] = {
	CASE(every_name_is_the_library_s),
	CASE(blocks_of_one_name_can_be_resized_and_freed_by_another),
	CASE(libc_s_other_names_keep_the_contract),
	CASE(free_sized_frees_blocks_of_malloc_calloc_and_realloc),
	CASE(free_aligned_sized_frees_blocks_of_aligned_alloc),
};

CONTRACT_MAIN(cases)

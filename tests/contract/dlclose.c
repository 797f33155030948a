/* SPDX-License-Identifier: MIT */
/*
 * Blocks outlive the library that asked for them, and also a dlclose of the allocator
 * itself; and the allocator takes little of the static thread storage that libraries
 * loaded late must share.
 */
#include <dlfcn.h>
#include <link.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/plugin.h"
#include "tests/contract/process.h"

enum { BLOCKS = 64, STATIC_TLS_BYTES = 64 };

static const char *plugin_path(void)
{
	static char path[4096];
	const char *folder = getenv("top_builddir");

	snprintf(path, sizeof(path), "%s/tests/contract/.libs/plugin.so",
		 folder ? folder : ".");
	return path;
}

static void *load(const char *path)
{
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	CHECK_THAT(library != NULL, "%s", dlerror());
	return library;
}

static size_t size_of(size_t i)
{
	return i * i * 25 + 1;
}

/* Lets the library allocate blocks and free those of the program; then unloads it. */
static void take_blocks(char *blocks[BLOCKS], char *own[BLOCKS])
{
	void *library = load(plugin_path());
	__typeof__(&plugin_allocate) allocate = dlsym(library, "plugin_allocate");
	__typeof__(&plugin_release) release = dlsym(library, "plugin_release");

	CHECK(allocate && release);
	for (size_t i = 0; i < BLOCKS; i++) {
		blocks[i] = allocate(size_of(i));
		CHECK(blocks[i]);
		pattern_write(blocks[i], size_of(i), i);
		release(own[i]);
	}
	CHECK(!dlclose(library));
	CHECK_THAT(!dlopen(plugin_path(), RTLD_NOW | RTLD_NOLOAD), "it is still loaded");
}

/* In random order another superslab or two, with their records, may be needed late; no more. */
static size_t spread_bytes(void)
{
	const char *options = getenv("HAKMEM_OPTIONS");

	return options && strstr(options, "hardened:true") ? 6 * MIB : 2 * MIB;
}

static void blocks_outlive_the_library_that_asked_for_them(void)
{
	size_t before = 0;

	for (size_t round = 0; round < 200; round++) {
		char *blocks[BLOCKS], *own[BLOCKS];

		for (size_t i = 0; i < BLOCKS; i++)
			CHECK((own[i] = malloc(size_of(i))));
		take_blocks(blocks, own);
		for (size_t i = 0; i < BLOCKS; i++) {
			CHECK(pattern_holds(blocks[i], size_of(i), i));
			blocks[i] = realloc(blocks[i], size_of(i) * 2);
			CHECK(blocks[i] && pattern_holds(blocks[i], size_of(i), i));
			free(blocks[i]);
		}
		if (round == 50)
			before = resident_bytes();
	}
	CHECK_THAT(resident_bytes() < before + spread_bytes(), "%zu KiB grew to %zu KiB",
		   before / KIB, resident_bytes() / KIB);
}

typedef void *(*malloc_function)(size_t size);
typedef void (*free_function)(void *block);
typedef size_t (*usable_function)(void *block);

/* A program that is not preloaded loads the allocator late, beside libc's. */
static void blocks_outlive_a_dlclose_of_the_allocator(void)
{
	void *library = load(contract_library());
	malloc_function take = dlsym(library, "malloc");
	free_function put = dlsym(library, "free");
	usable_function usable = dlsym(library, "malloc_usable_size");
	char *blocks[BLOCKS];

	CHECK(take && put && usable);
	CHECK_THAT(take != malloc, "the program has this malloc already");
	for (size_t i = 0; i < BLOCKS; i++) {
		CHECK((blocks[i] = take(size_of(i))));
		pattern_write(blocks[i], size_of(i), i);
	}
	CHECK(!dlclose(library));
	CHECK(contract_is_of_library((void *)take));
	for (size_t i = 0; i < BLOCKS; i++) {
		CHECK(usable(blocks[i]) >= size_of(i));
		CHECK(pattern_holds(blocks[i], size_of(i), i));
		put(blocks[i]);
		CHECK((blocks[i] = take(size_of(i))));
	}
}

struct storage {
	bool found;
	size_t bytes;
};

static int find_storage(struct dl_phdr_info *info, size_t size, void *data)
{
	struct storage *storage = data;

	(void)size;
	if (!contract_is_of_library(
		    (void *)(info->dlpi_addr + info->dlpi_phdr[0].p_vaddr)))
		return 0;
	storage->found = true;
	for (size_t i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_TLS)
			storage->bytes = info->dlpi_phdr[i].p_memsz;
	return 1;
}

static void its_thread_storage_is_small(void)
{
	struct storage storage = { false, 0 };

	dl_iterate_phdr(find_storage, &storage);
	CHECK_THAT(storage.found, "%s is not among the loaded libraries",
		   contract_library());
	CHECK_THAT(storage.bytes <= STATIC_TLS_BYTES, "%zu bytes a thread",
		   storage.bytes);
}

static const struct contract_case cases[] = {
	CASE(blocks_outlive_the_library_that_asked_for_them),
	CASE_PLAIN(blocks_outlive_a_dlclose_of_the_allocator),
	CASE(its_thread_storage_is_small),
};

CONTRACT_MAIN(cases)

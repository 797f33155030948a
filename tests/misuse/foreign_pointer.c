/* SPDX-License-Identifier: MIT */
/*
 * Pointers that the heap never gave out, and pointers that no block can have, given to
 * free, realloc and malloc_usable_size: the message and the end, at once.
 */
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"
#include "tests/misuse/misuse.h"

static _Alignas(16) char static_data[256];
static _Alignas(16) const char constant_data[256] = "constant";

/* What a part does with the pointer: the first word of its argument says it. */
static void misuse_pointer(const char *verb, void *pointer)
{
	if (!strcmp(verb, "free"))
		free(hidden(pointer));
	else if (!strcmp(verb, "realloc"))
		hidden(realloc(hidden(pointer), hidden_size(100)));
	else
		hidden_size(malloc_usable_size(hidden(pointer)));
}

static const char *const verbs[] = { "free", "realloc", "malloc_usable_size" };

enum { VERBS = sizeof(verbs) / sizeof(*verbs) };

/* Argument: "verb kind"; returns the kind. */
static const char *split_argument(char verb[32])
{
	const char *argument = contract_argument(), *space = strchr(argument, ' ');

	CHECK(space && space - argument < 32);
	memcpy(verb, argument, (size_t)(space - argument));
	verb[space - argument] = '\0';
	return space + 1;
}

static void expect_abort_of_all(const char *part, const char *const kinds[], size_t count)
{
	char argument[100];

	for (size_t i = 0; i < VERBS; i++) {
		for (size_t j = 0; j < count; j++) {
			snprintf(argument, sizeof(argument), "%s %s", verbs[i], kinds[j]);
			expect_abort(part, argument);
		}
	}
}

static void *mapped_memory(void)
{
	void *memory = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(memory != MAP_FAILED);
	return (char *)memory + 4096;
}

static void commit_foreign(void *stack)
{
	char verb[32];
	const char *kind = split_argument(verb);
	char *block = malloc(100);
	void *pointer = !strcmp(kind, "stack") ? stack :
			!strcmp(kind, "static") ? static_data + 32 :
			!strcmp(kind, "constant") ? (void *)(constant_data + 16) :
			!strcmp(kind, "mapped") ? mapped_memory() :
			!strcmp(kind, "break") ? (char *)sbrk(4096) + 256 :
			!strcmp(kind, "code") ?
				(void *)((uintptr_t)commit_foreign & ~(uintptr_t)15) :
				NULL;

	CHECK(pointer && block && is_aligned(pointer, 16));
	announce("%s of %p, which is not a block of this heap", verb, pointer);
	misuse_pointer(verb, pointer);
}

static void part_foreign(void)
{
	_Alignas(16) char local[64] = "local";

	commit_foreign(local + 16);
}

static void *in_thread(void *unused)
{
	_Alignas(16) char local[64] = "local";

	commit_foreign(local);
	return unused;
}

static void part_foreign_in_thread(void)
{
	pthread_t thread;

	start_thread(&thread, NULL, in_thread, NULL);
	CHECK(!pthread_join(thread, NULL));
}

static void pointers_to_stack_data_mappings_and_code_abort(void)
{
	static const char *const kinds[] = { "stack", "static", "constant", "mapped",
					     "break", "code" };
	static const char *const stack[] = { "stack" };

	expect_abort_of_all("part_foreign", kinds, sizeof(kinds) / sizeof(*kinds));
	need_threads();
	expect_abort_of_all("part_foreign_in_thread", stack, 1);
}

static void part_wild(void)
{
	char verb[32];
	const char *kind = split_argument(verb);
	char *block = malloc(100);
	uintptr_t value = strtoul(kind + strcspn(kind, "0123456789"), NULL, 0);
	void *pointer = (void *)value;

	/* "above N", "below N": as seen from a block of the heap */
	CHECK(block);
	if (*kind == 'a')
		pointer = block + value;
	else if (*kind == 'b')
		pointer = block - value;
	announce("%s of %p, which is not a block of this heap", verb, pointer);
	misuse_pointer(verb, pointer);
}

static void wild_pointers_abort(void)
{
	static const char *const kinds[] = {
		"0x10", "0x1000", "0x10000", "0x7fffffffefe0", "0x7ffffffffff0",
		"0x800000000000", "0x8000000000000000", "0xdead000000000100",
		"0xffff800000000000", "0xfffffffffffffff0",
	};

	expect_abort_of_all("part_wild", kinds, sizeof(kinds) / sizeof(*kinds));
}

/* Inside the reservation, if there is one, but never handed out; or outside again. */
static void pointers_far_from_every_block_abort(void)
{
	static const char *const kinds[] = {
		"above 0x10000000", "above 0x40000000", "above 0x1000000000",
		"above 0x4000000000", "above 0x8000000000", "above 0x20000000000",
		"below 0x40000000000", "below 0x100000000000",
	};

	expect_abort_of_all("part_wild", kinds, sizeof(kinds) / sizeof(*kinds));
}

static void part_unaligned(void)
{
	char verb[32];
	const char *kind = split_argument(verb);
	char *block = malloc(strtoul(kind, NULL, 10));
	char *pointer = block + strtoul(strchr(kind, '+') + 1, NULL, 10);

	CHECK(block);
	announce("%s of %p, which is not aligned to 16 bytes", verb, (void *)pointer);
	misuse_pointer(verb, pointer);
}

static void pointers_that_are_not_aligned_abort_in_every_class(void)
{
	size_t sizes[SIZE_CLASSES_ROOM];
	size_t count = size_classes_find(sizes, MIB);
	char argument[100];

	for (size_t i = 0; i < count; i++) {
		static const unsigned int offsets[] = { 1, 8, 15 };

		snprintf(argument, sizeof(argument), "free %zu+%u", sizes[i],
			 offsets[i % 3]);
		expect_abort("part_unaligned", argument);
	}
}

static void unaligned_pointers_abort_in_every_function(void)
{
	static const char *const kinds[] = {
		"0+1",	     "64+8",	  "1024+1",	"8000+9",	 "100000+4",
		"1048576+8", "2000000+1", "40000000+8", "40000000+70001"
	};

	expect_abort_of_all("part_unaligned", kinds, sizeof(kinds) / sizeof(*kinds));
}

static void null_is_no_misuse(void)
{
	free(hidden(NULL));
	CHECK(malloc_usable_size(hidden(NULL)) == 0);
	free(realloc(hidden(NULL), 100));
}

static const struct contract_case cases[] = {
	CASE(pointers_to_stack_data_mappings_and_code_abort),
	CASE(wild_pointers_abort),
	CASE(pointers_far_from_every_block_abort),
	CASE(pointers_that_are_not_aligned_abort_in_every_class),
	CASE(unaligned_pointers_abort_in_every_function),
	CASE(null_is_no_misuse),
	CASE_PART(part_foreign),
	CASE_PART(part_foreign_in_thread),
	CASE_PART(part_wild),
	CASE_PART(part_unaligned),
};

CONTRACT_MAIN(cases)

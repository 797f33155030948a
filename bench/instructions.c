/* SPDX-License-Identifier: MIT */
/*
 * Run under callgrind by instructions.py: for each size a warm malloc and a warm free,
 * each inside a function of its own on which callgrind starts and stops to count, and a
 * dump after each. The same function is also given a callee of exactly one instruction;
 * what that costs is the frame, and the difference is the allocator's own. The
 * allocator's names are looked up at run time, so that neither a PLT nor lazy binding is
 * counted and no symbols of the library are needed.
 *	instructions LOW HIGH STEP REPEATS	(HIGH itself is always the last size)
 *	instructions --aligned SIZE REPEATS ALIGNMENT...	(memalign instead of malloc)
 */
#include "bench/harness.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

enum {
	WARM_UP_BLOCKS = 64,
	WARM_UP_PAIRS = 600,
	LIVE_BLOCKS = 8, /* so that no free empties a slab */
};

/* clang clones nothing, and knows no word for it */
#ifdef __clang__
#define NOT_INLINED __attribute__((noinline))
#else
#define NOT_INLINED __attribute__((noinline, noclone))
#endif

typedef void *(*malloc_function)(size_t bytes);
typedef void *(*memalign_function)(size_t alignment, size_t bytes);
typedef void (*free_function)(void *block);

void instructions_one(void);
void *instructions_malloc(malloc_function call, size_t bytes);
void *instructions_memalign(memalign_function call, size_t alignment, size_t bytes);
void instructions_free(free_function call, void *block);
void instructions_dump(void);

/* The callee of exactly one instruction. */
__asm__(".text\n"
	".globl instructions_one\n"
	".type instructions_one, @function\n"
	"instructions_one:\n"
	"	ret\n"
	".size instructions_one, . - instructions_one\n");

/* callgrind counts while one of these three is on the stack */
NOT_INLINED void *instructions_malloc(malloc_function call, size_t bytes)
{
	void *block = call(bytes);

	__asm__ volatile("" : "+r"(block) : : "memory");
	return block;
}

NOT_INLINED void *instructions_memalign(memalign_function call, size_t alignment,
					size_t bytes)
{
	void *block = call(alignment, bytes);

	__asm__ volatile("" : "+r"(block) : : "memory");
	return block;
}

NOT_INLINED void instructions_free(free_function call, void *block)
{
	call(block);
	__asm__ volatile("" : : : "memory");
}

/* callgrind writes out and clears its counters on entry to this one */
NOT_INLINED void instructions_dump(void)
{
	__asm__ volatile("" : : : "memory");
}

static void measure_frame(void)
{
	union {
		void (*one)(void);
		malloc_function as_malloc;
		memalign_function as_memalign;
		free_function as_free;
	} callee = { .one = instructions_one };

	instructions_malloc(callee.as_malloc, 0);
	instructions_dump();
	instructions_free(callee.as_free, NULL);
	instructions_dump();
	instructions_memalign(callee.as_memalign, 0, 0);
	instructions_dump();
}

static void measure_size(malloc_function call_malloc, free_function call_free,
			 size_t bytes, unsigned int repeats)
{
	void *blocks[WARM_UP_BLOCKS];

	for (unsigned int i = 0; i < WARM_UP_BLOCKS; i++)
		blocks[i] = call_malloc(bytes);
	for (unsigned int i = LIVE_BLOCKS; i < WARM_UP_BLOCKS; i++)
		call_free(blocks[i]);
	for (unsigned int i = 0; i < WARM_UP_PAIRS; i++)
		call_free(call_malloc(bytes));
	for (unsigned int i = 0; i < repeats; i++) {
		void *block = instructions_malloc(call_malloc, bytes);

		instructions_dump();
		if (!block)
			harness_fail("malloc failed");
		instructions_free(call_free, block);
		instructions_dump();
	}
	for (unsigned int i = 0; i < LIVE_BLOCKS; i++)
		call_free(blocks[i]);
}

static void measure_alignment(memalign_function call_memalign, free_function call_free,
			      size_t alignment, size_t bytes, unsigned int repeats)
{
	void *blocks[WARM_UP_BLOCKS];

	for (unsigned int i = 0; i < WARM_UP_BLOCKS; i++)
		blocks[i] = call_memalign(alignment, bytes);
	for (unsigned int i = LIVE_BLOCKS; i < WARM_UP_BLOCKS; i++)
		call_free(blocks[i]);
	for (unsigned int i = 0; i < WARM_UP_PAIRS; i++)
		call_free(call_memalign(alignment, bytes));
	for (unsigned int i = 0; i < repeats; i++) {
		void *block = instructions_memalign(call_memalign, alignment, bytes);

		instructions_dump();
		if (!block)
			harness_fail("memalign failed");
		call_free(block);
	}
	for (unsigned int i = 0; i < LIVE_BLOCKS; i++)
		call_free(blocks[i]);
}

static size_t number(const char *text)
{
	return (size_t)strtoul(text, NULL, 10);
}

static void measure_sizes(malloc_function call_malloc, free_function call_free,
			  char **argv)
{
	size_t high = number(argv[2]);
	size_t step = number(argv[3]);
	unsigned int repeats = (unsigned int)number(argv[4]);

	for (size_t bytes = number(argv[1]); bytes < high; bytes += step)
		measure_size(call_malloc, call_free, bytes, repeats);
	measure_size(call_malloc, call_free, high, repeats);
}

static void measure_alignments(memalign_function call_memalign, free_function call_free,
			       int argc, char **argv)
{
	for (int i = 4; i < argc; i++)
		measure_alignment(call_memalign, call_free, number(argv[i]),
				  number(argv[2]), (unsigned int)number(argv[3]));
}

int main(int argc, char **argv)
{
	bool aligned = argc > 4 && !strcmp(argv[1], "--aligned");
	malloc_function call_malloc;
	memalign_function call_memalign;
	free_function call_free;

	if (!aligned && (argc != 5 || !number(argv[3])))
		harness_fail("usage: instructions LOW HIGH STEP REPEATS");
	*(void **)&call_malloc = dlsym(RTLD_DEFAULT, "malloc");
	*(void **)&call_memalign = dlsym(RTLD_DEFAULT, "memalign");
	*(void **)&call_free = dlsym(RTLD_DEFAULT, "free");
	if (!call_malloc || !call_memalign || !call_free)
		harness_fail("no malloc");
	instructions_dump();
	measure_frame();
	if (aligned)
		measure_alignments(call_memalign, call_free, argc, argv);
	else
		measure_sizes(call_malloc, call_free, argv);
	return 0;
}

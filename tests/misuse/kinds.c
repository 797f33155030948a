/* SPDX-License-Identifier: MIT */
/*
 * kinds KIND - commits one kind of misuse, says so, goes on as a program would, and says that
 * it has come to its end. For tests/misuse/table, which runs it on several allocators: whether
 * the process dies, and when, is what it compares. Without a kind it lists them.
 */
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/contract/block.h"

enum { OTHERS = 40, LATER = 4000, MANY = 1024, DECAY_S = 3 };

static char *others[OTHERS];
static char decoy[2048] __attribute__((aligned(64)));

static void take_others(size_t size)
{
	for (size_t i = 0; i < OTHERS; i++)
		others[i] = malloc(size);
}

static void free_others(void)
{
	for (size_t i = 0; i < OTHERS; i++) {
		free(others[i]);
		others[i] = NULL;
	}
}

static void free_twice_at_once(void)
{
	char *block = malloc(100);

	take_others(100);
	free(hidden(block));
	free(hidden(block));
}

static void free_twice_with_others_between(void)
{
	char *block = malloc(100);

	take_others(100);
	free(hidden(block));
	free_others();
	free(hidden(block));
}

static void free_twice_with_one_other_between(void)
{
	char *block = malloc(100), *other = malloc(100);

	take_others(100);
	free(hidden(block));
	free(hidden(other));
	free(hidden(block));
}

/* What was freed meanwhile has long left all caches. */
static void free_twice_long_after(void)
{
	static char *many[100 * LATER];
	char *block = malloc(100);

	for (size_t i = 0; i < sizeof(many) / sizeof(*many); i++)
		many[i] = malloc(100);
	free(hidden(block));
	for (size_t i = 0; i < sizeof(many) / sizeof(*many); i++)
		free(many[i]);
	free(hidden(block));
}

static void *free_it(void *block)
{
	free(hidden(block));
	return NULL;
}

static void free_twice_by_two_threads(void)
{
	char *block = malloc(100);
	pthread_t thread;

	take_others(100);
	if (pthread_create(&thread, NULL, free_it, block) || pthread_join(thread, NULL))
		abort();
	free(hidden(block));
}

static void free_here_then_in_a_thread(void)
{
	char *block = malloc(100);
	pthread_t thread;

	take_others(100);
	free(hidden(block));
	if (pthread_create(&thread, NULL, free_it, block) || pthread_join(thread, NULL))
		abort();
}

static void free_large_twice(void)
{
	char *block = malloc(3 << 20);

	free(hidden(block));
	free(hidden(block));
}

static void free_on_the_stack(void)
{
	char place[256];

	memset(place, 0, sizeof(place));
	free(hidden((void *)(((uintptr_t)place + 31) & ~(uintptr_t)15)));
}

static void free_unaligned(void)
{
	free(hidden((char *)malloc(100) + 3));
}

static void free_inside(void)
{
	free(hidden((char *)malloc(1000) + 160));
}

static void free_inside_large(void)
{
	free(hidden((char *)malloc(3 << 20) + 65536));
}

static void realloc_freed(void)
{
	char *block = malloc(100);

	take_others(100);
	free(hidden(block));
	free(hidden(realloc(hidden(block), 2000)));
}

static void write_behind(void)
{
	char *block = malloc(100);

	take_others(100);
	((volatile char *)block)[malloc_usable_size(block)] = 1;
	free(hidden(block));
}

static void write_before(void)
{
	char *block;

	take_others(100);
	block = malloc(100);
	memset(hidden(block - 16), 0x41, 16);
	free(hidden(block));
}

static void write_behind_large(void)
{
	char *block = malloc(3 << 20);

	((volatile char *)block)[malloc_usable_size(block)] = 1;
	free(hidden(block));
}

static void write_to_freed(void)
{
	char *block = malloc(1000);

	take_others(1000);
	free(hidden(block));
	((volatile char *)block)[100] = 1;
}

/* In a thread that ends meanwhile: nothing waits for its end any more. */
static void write_to_freed_long_after(void)
{
	char *block = malloc(1000);
	pthread_t thread;

	take_others(1000);
	if (pthread_create(&thread, NULL, free_it, block) || pthread_join(thread, NULL))
		abort();
	((volatile char *)block)[100] = 1;
}

/* As who attacks does: the next but one of the size shall be where he wants it. */
static void write_address_to_freed(void)
{
	char *block, *older;

	take_others(1000);
	older = malloc(1000);
	block = malloc(1000);
	free(hidden(older));
	free(hidden(block));
	*(char *volatile *)block = decoy;
}

static void write_to_freed_large(void)
{
	char *block = malloc(3 << 20);

	memset(block, 1, 3 << 20);
	free(hidden(block));
	((volatile char *)block)[100000] = 1;
}

/* Long after: 64 MiB were freed, and the program did something else. */
static void write_to_given_back(void)
{
	static char *blocks[MANY];

	for (size_t i = 0; i < MANY; i++) {
		blocks[i] = malloc(65000);
		memset(blocks[i], 1, 65000);
	}
	for (size_t i = 0; i < MANY; i++)
		free(hidden(blocks[i]));
	sleep(DECAY_S);
	((volatile char *)blocks[MANY / 2])[100] = 1;
}

/* C++'s sized operator delete, by its name in object files. */
static void delete_as_another_size(void)
{
	void (*sized_delete)(void *, size_t) =
		(void (*)(void *, size_t))dlsym(RTLD_DEFAULT, "_ZdlPvm");

	if (sized_delete)
		sized_delete(hidden(malloc(100)), 5000);
	else
		_exit(77);
}

static const struct kind {
	const char *name;
	void (*commit)(void);
} kinds[] = {
	{ "free twice at once", free_twice_at_once },
	{ "free twice, one other between", free_twice_with_one_other_between },
	{ "free twice, others between", free_twice_with_others_between },
	{ "free twice, long after", free_twice_long_after },
	{ "free twice, two threads", free_twice_by_two_threads },
	{ "free here, then in a thread", free_here_then_in_a_thread },
	{ "free a large block twice", free_large_twice },
	{ "free on the stack", free_on_the_stack },
	{ "free unaligned", free_unaligned },
	{ "free inside a block", free_inside },
	{ "free inside a large block", free_inside_large },
	{ "realloc a freed block", realloc_freed },
	{ "write behind a block", write_behind },
	{ "write before a block", write_before },
	{ "write behind a large block", write_behind_large },
	{ "write to a freed block", write_to_freed },
	{ "write to a freed block, long after", write_to_freed_long_after },
	{ "write an address to a freed block", write_address_to_freed },
	{ "write to a freed large block", write_to_freed_large },
	{ "write to memory given back", write_to_given_back },
	{ "delete as another size", delete_as_another_size },
};

static void say(const char *word)
{
	if (write(1, word, strlen(word)) < 0)
		_exit(2);
}

static int compare(const void *one, const void *other)
{
	const char *a = *(char *const *)one, *b = *(char *const *)other;

	return (a > b) - (a < b);
}

/* A block that two have, or that the program itself has put there. */
static void say_what_is_wrong(char **blocks, size_t count)
{
	static char *sorted[LATER];

	memcpy(sorted, blocks, count * sizeof(*blocks));
	qsort(sorted, count, sizeof(*sorted), compare);
	for (size_t i = 0; i < count; i++) {
		if (sorted[i] >= decoy && sorted[i] < decoy + sizeof(decoy))
			say("forged\n");
		if (i && sorted[i] < sorted[i - 1] + 100)
			say("twice\n");
	}
}

/* What a program goes on to do: everything that may show what is wrong. */
static void *go_on(void *unused)
{
	static char *blocks[LATER];

	for (size_t i = 0; i < LATER; i++)
		blocks[i] = malloc(100 + i % 2 * 900);
	say_what_is_wrong(blocks, LATER);
	for (size_t i = 0; i < LATER; i++)
		free(blocks[i]);
	free_others();
	return unused;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (argc < 2) {
			puts(kinds[i].name);
			continue;
		}
		if (strcmp(kinds[i].name, argv[1]))
			continue;
		kinds[i].commit();
		say("committed\n");
		go_on(NULL);
		if (!pthread_create(&thread, NULL, go_on, NULL))
			pthread_join(thread, NULL);
		malloc_trim(0);
		say("end\n");
		_exit(0);
	}
	return argc < 2 ? 0 : 2;
}

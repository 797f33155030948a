/* SPDX-License-Identifier: MIT */
/*
 * A write to a freed block never changes which address any later malloc returns: two children of
 * one process do the same, and one of them overwrites whatever it has freed with the address
 * of a decoy. Blocks of all sizes lie in bins, in slabs, in outboxes and inboxes of other
 * threads, and in caches that malloc_trim has emptied.
 */
#include <malloc.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"

enum {
	BLOCKS = 600,			/* more than the first limit of any bin */
	BYTES_MOST = 4 << 20,		/* of one size */
	NOTES = 1 << 20,
};

struct notes {
	size_t count;
	void *addresses[NOTES];
};

static struct notes *plain, *spoilt;	/* shared with the children */
static struct notes *notes;		/* of this one */
static bool spoils;
static char decoy[4096] __attribute__((aligned(64)));
static size_t sizes[SIZE_CLASSES_ROOM], sizes_count;

static void note(void *address)
{
	CHECK(notes->count < NOTES);
	notes->addresses[notes->count++] = address;
}

static void *take(size_t size)
{
	void *block = malloc(size);

	CHECK(block != NULL);
	note(block);
	return block;
}

static void free_and_spoil(char *block, size_t size)
{
	char *again = hidden(block);

	free(block);
	for (size_t i = 0; spoils && i + sizeof(char *) <= size; i += sizeof(char *))
		*(char *volatile *)(again + i) = decoy + i % sizeof(decoy) / 64 * 64;
}

static size_t count_of(size_t size)
{
	size_t count = BYTES_MOST / size;

	return count < 2 ? 2 : count < BLOCKS ? count : BLOCKS;
}

/* One size: its bin fills, and runs over into slabs. */
static void take_and_free(size_t size)
{
	static char *blocks[BLOCKS];
	size_t count = count_of(size), step = count % 7 ? 7 : 1;

	for (size_t round = 0; round < 3; round++) {
		for (size_t i = 0; i < count; i++)
			blocks[i] = take(size);
		for (size_t i = 0; i < count; i++)
			free_and_spoil(blocks[i * step % count], size);
	}
}

static char *owned[SIZE_CLASSES_ROOM][BLOCKS];	/* by the sleeper, which has made them */
static sem_t sleeps, may_go_on;

static void take_all(void)
{
	for (size_t i = 0; i < sizes_count; i++)
		for (size_t k = 0; k < count_of(sizes[i]); k++)
			owned[i][k] = take(sizes[i]);
}

static void free_share(size_t share)
{
	for (size_t i = 0; i < sizes_count; i++)
		for (size_t k = share; k < count_of(sizes[i]); k += 3)
			free_and_spoil(owned[i][k], sizes[i]);
}

static void wait_for_turn(void)
{
	sem_post(&sleeps);
	sem_wait(&may_go_on);
}

/* A third of the blocks lies in its bins, the rest comes from others. */
static void *sleeper(void *unused)
{
	take_all();
	free_share(0);
	wait_for_turn();
	take_all();
	for (size_t share = 0; share < 3; share++)
		free_share(share);
	wait_for_turn();
	take_all();
	return unused;
}

static void *free_second_share(void *unused)
{
	free_share(1);
	return unused;
}

/* By the main thread, whose outbox stays half full, and by one that ends. */
static void hand_over(void)
{
	pthread_t owner, other;

	sem_init(&sleeps, 0, 0);
	sem_init(&may_go_on, 0, 0);
	start_thread(&owner, NULL, sleeper, NULL);
	sem_wait(&sleeps);
	start_thread(&other, NULL, free_second_share, NULL);
	pthread_join(other, NULL);
	free_share(2);
	sem_post(&may_go_on);
	sem_wait(&sleeps);
	malloc_trim(0);		/* seizes the caches of those that sleep */
	sem_post(&may_go_on);
	pthread_join(owner, NULL);
}

static void run(struct notes *into, bool spoil)
{
	pid_t child = fork();

	if (child == 0) {
		notes = into;
		spoils = spoil;
		for (size_t i = 0; i < sizes_count; i++)
			take_and_free(sizes[i]);
		hand_over();
		for (size_t i = 0; i < sizes_count; i++)
			take_and_free(sizes[i]);
		_exit(0);
	}
	expect_success(child);
}

static struct notes *map_notes(void)
{
	void *map = mmap(NULL, sizeof(struct notes), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(map != MAP_FAILED);
	return map;
}

static void no_address_depends_on_what_is_written_to_freed_blocks(void)
{
	need_threads();
	plain = map_notes();
	spoilt = map_notes();
	sizes_count = size_classes_find(sizes, 3 * MIB);
	run(plain, false);
	run(spoilt, true);
	CHECK_THAT(plain->count > 100000, "only %zu blocks", plain->count);
	CHECK(plain->count == spoilt->count);
	for (size_t i = 0; i < plain->count; i++)
		CHECK_THAT(plain->addresses[i] == spoilt->addresses[i],
			   "block %zu of %zu: %p, and %p after writes to freed blocks", i,
			   plain->count, plain->addresses[i], spoilt->addresses[i]);
}

static const struct contract_case cases[] = {
	CASE_WITH(no_address_depends_on_what_is_written_to_freed_blocks, "helpers:never"),
};

CONTRACT_MAIN(cases)

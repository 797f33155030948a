/* SPDX-License-Identifier: MIT */
/*
 * See passing.h.
 */
#include "tests/numa/passing.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"

enum { LIVE = 256, RING = 64, WORKERS_MAX = 8, LARGE_ONE_IN = 200 };
enum { SHORT_THREADS = 60, SHORT_BLOCKS = 200 };

#define LARGEST	   (1 * MIB)
#define PAGE	   (size_t)sysconf(_SC_PAGESIZE)
#define TOUCHES	   2

struct slot {
	char *block;
	size_t size;
	int node;	/* whose memory it should be */
};

/* One writer, the neighbour; one reader, the worker. */
struct ring {
	_Atomic unsigned written, read;
	void *blocks[RING];
};

struct worker {
	struct slot slots[LIVE];
	struct ring inbox;
	struct worker *next;	/* on another node */
	unsigned number;
	uint64_t random;
	size_t faults;
	pthread_t thread;
};

static struct worker workers[WORKERS_MAX];
static unsigned worker_count;
static const struct passing *passing;
static pthread_barrier_t barrier;

void passing_touch(char *block, size_t size)
{
	size_t step = size / TOUCHES > PAGE ? size / TOUCHES : PAGE;

	for (size_t offset = 0; offset < size; offset += step)
		block[offset] = 1;
	block[size - 1] = 1;
}

static bool ring_push(struct ring *ring, void *block)
{
	unsigned written = atomic_load(&ring->written);

	if (written - atomic_load(&ring->read) == RING)
		return false;
	ring->blocks[written % RING] = block;
	atomic_store(&ring->written, written + 1);
	return true;
}

static void free_what_came(struct worker *worker)
{
	struct ring *ring = &worker->inbox;

	while (atomic_load(&ring->read) != atomic_load(&ring->written)) {
		free(ring->blocks[atomic_load(&ring->read) % RING]);
		atomic_fetch_add(&ring->read, 1);
	}
}

/* Any size class of any allocator is hit: each power of two as often as the others. */
static size_t choose_size(struct worker *worker)
{
	if (random_next(&worker->random) % LARGE_ONE_IN == 0)
		return LARGEST + random_next(&worker->random) % (3 * MIB);
	return random_size(&worker->random, LARGEST - 1) + 1;
}

static void operate(struct worker *worker, int node)
{
	struct slot *slot = &worker->slots[random_next(&worker->random) % LIVE];

	if (slot->block && (random_next(&worker->random) & 1 ||
			    !ring_push(&worker->next->inbox, slot->block)))
		free(slot->block);
	slot->size = choose_size(worker);
	slot->block = malloc(slot->size);
	slot->node = node;
	CHECK(slot->block);
	passing_touch(slot->block, slot->size);
}

int passing_node(unsigned number)
{
	return machine()->with_cpus[number % (unsigned)machine()->cpus_count];
}

static void work_on(struct worker *worker, int node, unsigned operations)
{
	unsigned i;

	CHECK(run_on(node));
	for (i = 0; i < operations; i++) {
		operate(worker, memory_node_of(node));
		if (i % 16 == 0)
			free_what_came(worker);
	}
}

static size_t own_faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return (size_t)usage.ru_minflt;
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	unsigned move;

	if (passing->begin)
		passing->begin();
	for (move = 0; move <= passing->moves; move++)
		work_on(worker, passing_node(worker->number + move),
			passing->operations / worker_count / (passing->moves + 1));
	pthread_barrier_wait(&barrier);
	free_what_came(worker);
	worker->faults = own_faults();
	pthread_barrier_wait(&barrier);
	return NULL;
}

static unsigned choose_worker_count(void)
{
	unsigned count = (unsigned)machine()->cpus_count;

	return count < 2 ? 2 : count > WORKERS_MAX ? WORKERS_MAX : count;
}

size_t passing_run(const struct passing *wish)
{
	size_t faults = 0;
	unsigned i;

	passing = wish;
	worker_count = choose_worker_count();
	pthread_barrier_init(&barrier, NULL, worker_count);
	for (i = 0; i < worker_count; i++) {
		workers[i].number = i;
		workers[i].random = i + 1;
		workers[i].next = &workers[(i + 1) % worker_count];
		CHECK(!pthread_create(&workers[i].thread, NULL, work, &workers[i]));
	}
	for (i = 0; i < worker_count; i++) {
		pthread_join(workers[i].thread, NULL);
		faults += workers[i].faults;
	}
	return faults;
}

void passing_add(struct placed_blocks *found, const void *block, size_t size, int node)
{
	struct placed of_block = { 0, 0 };

	count_pages(block, size, node, &of_block);
	found->pages.pages += of_block.pages;
	found->pages.right += of_block.right;
	found->blocks++;
	found->blocks_right += of_block.right == of_block.pages;
}

struct placed_blocks passing_count(void)
{
	struct placed_blocks found = { .blocks = 0 };
	unsigned i, j;

	for (i = 0; i < worker_count; i++)
		for (j = 0; j < LIVE; j++)
			if (workers[i].slots[j].block)
				passing_add(&found, workers[i].slots[j].block,
					    workers[i].slots[j].size, workers[i].slots[j].node);
	return found;
}

static struct slot short_slots[SHORT_THREADS][SHORT_BLOCKS];
static void (*begin_short)(void);
static size_t short_faults;

static void *live_shortly(void *argument)
{
	struct slot *slots = argument;
	uint64_t random = (uintptr_t)slots | 1;
	unsigned i;

	if (begin_short)
		begin_short();
	CHECK(run_on(slots->node));
	for (i = 0; i < SHORT_BLOCKS; i++) {
		slots[i].size = random_size(&random, 64 * KIB) + 1;
		slots[i].block = malloc(slots[i].size);
		CHECK(slots[i].block);
		passing_touch(slots[i].block, slots[i].size);
	}
	/* Half of it stays; the rest is there for the next. */
	for (i = 0; i < SHORT_BLOCKS; i += 2) {
		free(slots[i].block);
		slots[i].block = NULL;
	}
	short_faults += own_faults();
	return NULL;
}

size_t passing_run_short(void (*begin)(void))
{
	unsigned i;

	begin_short = begin;
	for (i = 0; i < SHORT_THREADS; i++) {
		pthread_t thread;

		short_slots[i][0].node = passing_node(i);
		CHECK(!pthread_create(&thread, NULL, live_shortly, short_slots[i]));
		pthread_join(thread, NULL);
	}
	return short_faults;
}

struct placed_blocks passing_count_short(void)
{
	struct placed_blocks found = { .blocks = 0 };
	unsigned i, j;

	for (i = 0; i < SHORT_THREADS; i++)
		for (j = 1; j < SHORT_BLOCKS; j += 2)
			passing_add(&found, short_slots[i][j].block, short_slots[i][j].size,
				    memory_node_of(short_slots[i][0].node));
	return found;
}

/* SPDX-License-Identifier: MIT */
/*
 * Everything at once, at random: threads take, resize, check and free blocks of their own and
 * of each other, migrate, fork, trim, end and begin, while signals interrupt them and limits
 * refuse them. Every block's contents are checked whenever it is touched.
 *
 * STRESS_SECONDS: how long a case runs (2). STRESS_SEED: repeats a sequence of choices; the
 * threads' interleaving is the machine's own.
 */
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"

#ifndef STRESS_KIND
#define STRESS_KIND PRELOADED	/* PLAIN: linked with the core library, names and all */
#endif

enum {
	THREADS = 6,
	OWN = 700,		/* blocks that a thread holds itself */
	SHARED = 512,		/* places through which blocks change hands */
	LARGE_EVERY = 400,
	EVENT_EVERY = 1500,	/* a migration, a fork, a trim, a short thread */
	LIFE_OPERATIONS = 200000,
	SIGNAL_US = 3000,
};

/* Stands at the start of each block; the rest is a pattern of the tag. */
struct head {
	size_t size;
	uint64_t tag;
	uint64_t check;
};

static _Atomic(struct head *) shared[SHARED];
static _Atomic uint64_t operations, refusals, signals, children, tags = 1;
static uint64_t seed;
static struct timespec deadline;
static void (*purge)(void);	/* hak_purge, where the library has it */

static bool is_over(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > deadline.tv_sec ||
	       (now.tv_sec == deadline.tv_sec && now.tv_nsec > deadline.tv_nsec);
}

static void seal(struct head *block, size_t size)
{
	block->size = size;
	block->tag = atomic_fetch_add(&tags, 1);
	block->check = block->tag * 0x9e3779b97f4a7c15u ^ size;
	/* the ends of what is large: writing all of it would be most of the work */
	if (size <= 16384) {
		pattern_write(block + 1, size - sizeof(*block), block->tag);
	} else {
		pattern_write(block + 1, 4096, block->tag);
		pattern_write((char *)block + size - 4096, 4096, block->tag);
	}
}

static void verify(const struct head *block)
{
	size_t size = block->size;

	CHECK_THAT(block->check == (block->tag * 0x9e3779b97f4a7c15u ^ size),
		   "the head of %p was overwritten (seed %llu)", (const void *)block,
		   (unsigned long long)seed);
	if (size <= 16384)
		CHECK_THAT(pattern_holds(block + 1, size - sizeof(*block), block->tag),
			   "%zu bytes at %p were overwritten (seed %llu)", size,
			   (const void *)block, (unsigned long long)seed);
	else
		CHECK_THAT(pattern_holds(block + 1, 4096, block->tag) &&
				   pattern_holds((const char *)block + size - 4096, 4096,
						 block->tag),
			   "%zu bytes at %p were overwritten (seed %llu)", size,
			   (const void *)block, (unsigned long long)seed);
	CHECK_THAT(malloc_usable_size((void *)block) >= size, "usable size of %p",
		   (const void *)block);
}

static size_t choose_size(uint64_t *state)
{
	uint64_t choice = random_next(state);
	size_t most = choice % LARGE_EVERY == 0 ? 9 * MIB :
		      choice % 16 == 0 ? 300 * KIB : 9000;

	return sizeof(struct head) + random_size(state, most);
}

static struct head *take(uint64_t *state)
{
	size_t size = choose_size(state);
	uint64_t choice = random_next(state);
	size_t alignment = (size_t)16 << choice / 16 % 14;
	struct head *block;

	errno = 0;
	if (choice % 16 == 0) {
		block = aligned_alloc(alignment, size);
		CHECK(is_aligned(block, alignment));
	} else if (choice % 16 < 4) {
		block = calloc(1, size);
		CHECK(!block || all_zero(block, size <= 65536 ? size : 65536));
	} else {
		block = malloc(size);
	}
	if (!block) {
		CHECK_THAT(errno == ENOMEM, "NULL with errno %d", errno);
		atomic_fetch_add(&refusals, 1);
		return NULL;
	}
	seal(block, size);
	return block;
}

static void put(struct head *block)
{
	if (!block)
		return;
	verify(block);
	errno = 815;
	free(block);
	CHECK_THAT(errno == 815, "free changed errno to %d", errno);
}

static struct head *resize(struct head *block, uint64_t *state)
{
	size_t old_size = block->size, size = choose_size(state);
	uint64_t tag = block->tag;
	struct head *moved;

	verify(block);
	errno = 0;
	moved = realloc(block, size);
	if (!moved) {
		CHECK_THAT(errno == ENOMEM, "realloc: NULL with errno %d", errno);
		atomic_fetch_add(&refusals, 1);
		verify(block);
		return block;
	}
	CHECK(moved->tag == tag && moved->size == old_size);
	if (size >= old_size || size <= 16384) {
		moved->size = old_size < size ? old_size : size;
		moved->check = moved->tag * 0x9e3779b97f4a7c15u ^ moved->size;
		if (old_size <= 16384)
			verify(moved);
	}
	seal(moved, size);
	return moved;
}

static void migrate(uint64_t *state)
{
	static cpu_set_t all;
	cpu_set_t one;
	int processors;

	if (!CPU_COUNT(&all) && sched_getaffinity(getpid(), sizeof(all), &all))
		return;
	processors = CPU_COUNT(&all);
	CPU_ZERO(&one);
	CPU_SET(random_next(state) % (uint64_t)(processors > 0 ? processors : 1), &one);
	sched_setaffinity(0, sizeof(one), random_next(state) % 4 ? &one : &all);
}

static void use_briefly(uint64_t *state, size_t count)
{
	struct head *blocks[64];

	for (size_t i = 0; i < count && i < 64; i++)
		blocks[i] = take(state);
	for (size_t i = 0; i < count && i < 64; i++)
		put(blocks[i]);
}

/* The child sees its parent's blocks as they were, and has a heap that works. */
static void use_a_child(struct head **own, uint64_t *state)
{
	pid_t pid = fork();

	if (pid == 0) {
		alarm(30);
		for (size_t i = 0; i < OWN; i++)
			if (own[i] && i % 3 == 0) {
				put(own[i]);
				own[i] = take(state);
			}
		use_briefly(state, 64);
		_exit(0);
	}
	if (pid > 0) {
		atomic_fetch_add(&children, 1);
		expect_success(pid);
	}
}

static void *live_shortly(void *argument)
{
	uint64_t state = (uintptr_t)argument;

	use_briefly(&state, 64);
	put(atomic_exchange(&shared[state % SHARED], take(&state)));
	return NULL;
}

static void cause_an_event(struct head **own, uint64_t *state)
{
	uint64_t choice = random_next(state) % 64;
	pthread_t thread;

	if (choice < 24) {
		migrate(state);
	} else if (choice < 25) {
		use_a_child(own, state);
	} else if (choice < 28) {
		malloc_trim(0);
		if (purge)
			purge();
	} else if (choice < 34) {
		struct mallinfo2 info = mallinfo2();

		CHECK(info.arena + info.hblkhd > 0);
	} else if (choice < 44) {
		if (!pthread_create(&thread, NULL, live_shortly,
				    (void *)(uintptr_t)random_next(state)))
			pthread_join(thread, NULL);
	} else if (choice < 46) {
		struct timespec pause = { 0, 20000000 };

		nanosleep(&pause, NULL);
	}
}

static void do_one(struct head **own, uint64_t *state)
{
	struct head **place = &own[random_next(state) % OWN];
	uint64_t choice = random_next(state);

	switch (choice % 8) {
	case 0:
		if (*place)
			*place = resize(*place, state);
		break;
	case 1:
	case 2:
		*place = atomic_exchange(&shared[choice / 8 % SHARED], *place);
		if (*place)
			verify(*place);
		break;
	default:
		put(*place);
		*place = take(state);
	}
}

/* A life of a thread; then another begins in its place. */
static void *live(void *argument)
{
	struct head **own = calloc(OWN, sizeof(*own));
	uint64_t state = seed + (uintptr_t)argument * 0x632be59bd9b4e019u;
	uint64_t done = 0;

	while (!own)
		own = calloc(OWN, sizeof(*own));
	while (done < LIFE_OPERATIONS && (done % 64 || !is_over())) {
		do_one(own, &state);
		if (random_next(&state) % EVENT_EVERY == 0)
			cause_an_event(own, &state);
		done++;
	}
	atomic_fetch_add(&operations, done);
	for (size_t i = 0; i < OWN; i++)
		put(own[i]);
	free(own);
	return NULL;
}

static void on_signal(int number)
{
	(void)number;
	atomic_fetch_add(&signals, 1);
}

static void begin(void)
{
	const char *seconds = getenv("STRESS_SECONDS"), *given = getenv("STRESS_SEED");
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	struct itimerval often = { { 0, SIGNAL_US }, { 0, SIGNAL_US } };

	clock_gettime(CLOCK_MONOTONIC, &deadline);
	seed = given ? strtoull(given, NULL, 0) :
		       (uint64_t)deadline.tv_nsec << 20 ^ (uint64_t)getpid();
	deadline.tv_sec += seconds && *seconds ? atol(seconds) : 2;
	dprintf(1, "# seed %llu\n", (unsigned long long)seed);
	purge = (void (*)(void))dlsym(RTLD_DEFAULT, "hak_purge");
	alarm(0);
	CHECK(!sigaction(SIGPROF, &action, NULL));
	CHECK(!setitimer(ITIMER_PROF, &often, NULL));
}

static void stress(void)
{
	uintptr_t number = 0;
	size_t left = 0;

	begin();
	while (!is_over()) {
		pthread_t threads[THREADS];
		size_t started = 0;

		while (started < THREADS &&
		       !pthread_create(&threads[started], NULL, live, (void *)++number))
			started++;
		if (!started)
			live((void *)++number);
		while (started)
			pthread_join(threads[--started], NULL);
	}
	for (size_t i = 0; i < SHARED; i++)
		put(atomic_exchange(&shared[i], NULL));
	malloc_trim(0);
	left = mallinfo2().uordblks + mallinfo2().hblkhd;
	CHECK_THAT(left < MIB, "%zu bytes are still in use (seed %llu)", left,
		   (unsigned long long)seed);
	dprintf(1, "# operations %llu, children %llu, signals %llu, refused %llu\n",
		(unsigned long long)operations, (unsigned long long)children,
		(unsigned long long)signals, (unsigned long long)refusals);
}

static void a_heap_under_stress_stays_whole(void)
{
	stress();
}

static void a_heap_with_its_helper_from_the_start_stays_whole(void)
{
	stress();
}

static void a_heap_at_its_limit_stays_whole(void)
{
	stress();
}

static void a_heap_without_a_helper_stays_whole(void)
{
	stress();
}

static void a_hardened_heap_stays_whole(void)
{
	stress();
}

#define STRESS(function, options) { #function, function, STRESS_KIND, options }

static const struct contract_case cases[] = {
	STRESS(a_heap_under_stress_stays_whole, "helpers:auto"),
	STRESS(a_heap_with_its_helper_from_the_start_stays_whole, "helpers:always"),
	STRESS(a_heap_at_its_limit_stays_whole, "helpers:always,limit_hard:96M"),
	STRESS(a_heap_without_a_helper_stays_whole, "helpers:never"),
	STRESS(a_hardened_heap_stays_whole, "helpers:always,hardened:true"),
};

CONTRACT_MAIN(cases)

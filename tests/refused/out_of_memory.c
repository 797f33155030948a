/* SPDX-License-Identifier: MIT */
/*
 * The n-th memory system call fails, for every n that a program makes: alone, or with all
 * that follow until memory is back. Whatever n is: what cannot be had is NULL with ENOMEM,
 * contents stay, nothing leaks, and it goes on when memory is back. OOM_POINTS=all, with the name
 * of a case: every n of programs with a helper, too, which make hundreds of calls.
 */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"
#include "tests/refused/nth_call.h"

enum {
	MOST_BLOCKS = 1 << 16,
	REFUSALS_UNTIL_BACK = 20,
	MOST_POINTS = 80,	/* more than any program without a helper has */
	MOST_SAMPLED = 20,	/* of one with a helper, which takes a second a point */
	CHECKED_AT_ONCE = 64,	/* contents of so many are looked at after each failure */
	LEAK_BYTES = 64 << 10,	/* what the C library itself may keep, as for a thread */
	OPENED_MORE = 64 << 20,	/* a refused chunk is made up by others elsewhere */
};

struct holding {
	char *block;
	size_t size;
	uint64_t tag;
};

static struct holding holdings[MOST_BLOCKS];
static size_t held, growth_most = 36 * MIB;
static long refused;

static void check_some(void)
{
	size_t step = held / CHECKED_AT_ONCE + 1;

	for (size_t i = 0; i < held; i += step)
		CHECK_THAT(pattern_holds(holdings[i].block, holdings[i].size, holdings[i].tag),
			   "block %zu of %zu bytes was overwritten", i, holdings[i].size);
}

/* After a failure; true: try again. */
static bool memory_may_be_back(void)
{
	CHECK_THAT(errno == ENOMEM, "NULL with errno %d", errno);
	CHECK_THAT(nth_call_has_failed(), "NULL, and no call was refused");
	check_some();
	if (++refused < REFUSALS_UNTIL_BACK)
		return false;
	CHECK_THAT(refused < 2 * REFUSALS_UNTIL_BACK, "memory is back, and yet NULL");
	nth_call_disarm();
	return true;
}

typedef void *taker(size_t size);

static void *take_cleared(size_t size)
{
	char *block = calloc(1, size);

	CHECK(!block || all_zero(block, size));
	return block;
}

static void *take_aligned(size_t size)
{
	size_t alignment = (size_t)64 << size % 16;
	char *block = memalign(alignment, size);

	CHECK(is_aligned(block, alignment));
	return block;
}

/* Failures are passed over until memory is back; then there are none. */
static void hold(taker *take, size_t size)
{
	char *block;

	do {
		errno = 0;
		block = take(size);
	} while (!block && memory_may_be_back());
	if (!block)
		return;
	CHECK(held < MOST_BLOCKS);
	pattern_write(block, size, held);
	holdings[held] = (struct holding){ block, size, held };
	held++;
}

static void resize(size_t place, size_t size)
{
	struct holding *one = &holdings[place];
	char *block;

	do {
		errno = 0;
		block = realloc(one->block, size);
		CHECK_THAT(pattern_holds(block ? block : one->block,
					 size < one->size ? size : one->size, one->tag),
			   "realloc to %zu bytes lost the contents", size);
	} while (!block && memory_may_be_back());
	if (!block)
		return;
	*one = (struct holding){ block, size, one->tag };
	pattern_write(block, size, one->tag);
}

static void drop_all(void)
{
	for (size_t i = 0; i < held; i++) {
		CHECK_THAT(pattern_holds(holdings[i].block, holdings[i].size, holdings[i].tag),
			   "block %zu of %zu bytes was overwritten", i, holdings[i].size);
		errno = 4711;
		free(holdings[i].block);
		CHECK(errno == 4711);
	}
	held = 0;
}

/* --- the programs --- */

static void small_blocks(void)
{
	uint64_t seed = 1;

	for (size_t bytes = 0, size; bytes < 80 * MIB; bytes += size)
		hold(malloc, size = 1000 + random_size(&seed, 7000));
}

static void mixed_blocks(void)
{
	uint64_t seed = 2;

	for (size_t i = 0; i < 1200; i++)
		hold(i % 3 ? malloc : take_cleared,
		     1 + random_size(&seed, i % 64 ? 50000 : 3 * MIB));
}

static void large_blocks(void)
{
	for (size_t i = 0; i < 8; i++) {
		hold(malloc, (2 + 4 * i) * MIB);
		hold(take_cleared, (1 + i) * MIB + 1);
	}
}

static void aligned_blocks(void)
{
	uint64_t seed = 3;

	for (size_t i = 0; i < 1500; i++)
		hold(take_aligned, 1 + random_size(&seed, i % 64 ? 100000 : 4 * MIB));
}

static void blocks_that_grow(void)
{
	uint64_t seed = 4;

	for (size_t i = 0; i < 8; i++)
		hold(malloc, 1000);
	for (size_t i = 0; i < 64 && held; i++)
		resize(random_next(&seed) % held, 1 + random_size(&seed, growth_most));
	for (size_t i = 0; i < 16 && held; i++)
		resize(0, (i + 1) * growth_most / 12);
}

static void *work_a_while(void *unused)
{
	for (size_t size = 16; size < 2 * MIB; size += size / 2) {
		void *block = malloc(size);

		CHECK(block || errno == ENOMEM);
		if (block)
			memset(block, 1, size);
		free(block);
	}
	return unused;
}

static void threads_that_come_and_go(void)
{
	pthread_t threads[4];

	for (size_t round = 0; round < 3; round++) {
		size_t started = 0;

		hold(malloc, 3 * MIB);
		while (started < 4 &&
		       !pthread_create(&threads[started], NULL, work_a_while, NULL))
			started++;
		while (started)
			CHECK(!pthread_join(threads[--started], NULL));
	}
}

static void trimming(void)
{
	for (size_t round = 0; round < 3; round++) {
		mixed_blocks();
		drop_all();
		malloc_trim(0);
	}
	mixed_blocks();
}

static void forking(void)
{
	pid_t pid;

	mixed_blocks();
	pid = fork();
	if (pid == 0) {
		mixed_blocks();
		drop_all();
		_exit(0);
	}
	expect_success(pid);
}

/* Long enough for the helper to fill its stock, to be outrun, and to drain. */
static void growth_with_a_helper(void)
{
	struct timespec pause = { 0, 2000000 };

	for (size_t i = 0; i < 16; i++) {
		uint64_t seed = i;

		for (size_t bytes = 0, size; bytes < 4 * MIB; bytes += size)
			hold(take_cleared, size = 1000 + random_size(&seed, 60000));
		nanosleep(&pause, NULL);
	}
}

static const struct program {
	const char *name;
	void (*run)(void);
} programs[] = {
	{ "small_blocks", small_blocks },
	{ "mixed_blocks", mixed_blocks },
	{ "large_blocks", large_blocks },
	{ "aligned_blocks", aligned_blocks },
	{ "blocks_that_grow", blocks_that_grow },
	{ "threads_that_come_and_go", threads_that_come_and_go },
	{ "trimming", trimming },
	{ "forking", forking },
	{ "growth_with_a_helper", growth_with_a_helper },
};

/* --- one point: the nth call of one program --- */

static size_t bytes_in_use(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

static size_t bytes_opened(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.arena + info.hblkhd;
}

/* What the program needs if nothing is refused. */
static struct need {
	long calls;
	size_t opened;
} need;

static void run_point(const struct program *program, long nth, bool rest)
{
	size_t before = bytes_in_use();

	refused = 0;
	nth_call_arm(nth, rest);
	program->run();
	nth_call_disarm();
	drop_all();
	malloc_trim(0);
	CHECK_THAT(bytes_in_use() <= before + LEAK_BYTES, "%zu bytes leaked",
		   bytes_in_use() - before);
	/* memory is back: all of it can be had, from what is there already */
	refused = REFUSALS_UNTIL_BACK;
	program->run();
	drop_all();
	malloc_trim(0);		/* out of quarantine, too */
	CHECK_THAT(bytes_in_use() <= before + LEAK_BYTES, "%zu bytes leaked the second time",
		   bytes_in_use() - before);
	CHECK_THAT(bytes_opened() <= 4 * need.opened + OPENED_MORE,
		   "%zu KiB are enough, %zu KiB opened", need.opened / KIB,
		   bytes_opened() / KIB);
}

/* In a child, which counts. */
static void find_need(const struct program *program)
{
	int channel[2];
	pid_t pid;

	CHECK(!pipe(channel));
	pid = fork();
	if (pid == 0) {
		nth_call_arm(0, false);
		program->run();
		need = (struct need){ nth_call_count(), bytes_opened() };
		_exit(write(channel[1], &need, sizeof(need)) != sizeof(need));
	}
	expect_success(pid);
	CHECK(read(channel[0], &need, sizeof(need)) == sizeof(need));
	close(channel[0]);
	close(channel[1]);
}

static void try_point(const struct program *program, long nth, bool rest)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		alarm(CONTRACT_LIMIT_S);
		run_point(program, nth, rest);
		_exit(0);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	CHECK_THAT(WIFEXITED(status) && WEXITSTATUS(status) == 0,
		   "%s: call %ld%s refused: wait status %#x", program->name, nth,
		   rest ? " and all after it" : "", (unsigned int)status);
}

static void try_every_point(const char *name)
{
	long step;

	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++) {
		if (strcmp(programs[i].name, name))
			continue;
		find_need(&programs[i]);
		CHECK_THAT(need.calls > 1, "%s makes %ld calls only", name, need.calls);
		/* threads share the count, so a number is a sample there: some will do */
		step = getenv("OOM_POINTS") || need.calls <= MOST_POINTS ? 1 :
			need.calls / MOST_SAMPLED + 1;
		for (long nth = 1; nth <= need.calls; nth += step) {
			try_point(&programs[i], nth, false);
			try_point(&programs[i], nth, true);
		}
		printf("# points tried: %ld\n", 2 * (need.calls + step - 1) / step);
	}
}

#define POINTS_OF(program)			\
	static void every_refusal_in_##program(void)	\
	{						\
		try_every_point(#program);		\
	}

POINTS_OF(small_blocks)
POINTS_OF(mixed_blocks)
POINTS_OF(large_blocks)
POINTS_OF(aligned_blocks)
POINTS_OF(blocks_that_grow)
POINTS_OF(threads_that_come_and_go)
POINTS_OF(trimming)
POINTS_OF(forking)
POINTS_OF(growth_with_a_helper)

/* Canaries, quarantine and guards ask for memory too, and for more of it. */
static void every_refusal_when_hardened(void)
{
	alarm(4 * CONTRACT_LIMIT_S);
	growth_most = 4 * MIB;	/* faulted in anew each time */
	try_every_point("mixed_blocks");
	try_every_point("aligned_blocks");
	try_every_point("large_blocks");
	try_every_point("blocks_that_grow");
}

/* --- from the first call of the process --- */

static void part_begins(void)
{
	char *block;

	nth_call_disarm();
	block = malloc(100);
	CHECK(block);
	pattern_write(block, 100, 1);
	mixed_blocks();
	drop_all();
	CHECK(pattern_holds(block, 100, 1));
	free(block);
	dprintf(1, "%ld\n", nth_call_count());
}

/* The C library and the loader allocate before main, and live without. */
static void every_refusal_before_main_is_survived(void)
{
	static struct child child;
	char variable[32];
	long most = 0;

	for (long nth = 0; nth <= most; nth++) {
		const char *const changes[] = { variable, NULL };

		snprintf(variable, sizeof(variable), "NTH_CALL=%ld", nth);
		child_run_case(&child, "part_begins", NULL, changes);
		CHECK_THAT(child_succeeded(&child), "%s: wait status %#x: %s", variable,
			   (unsigned int)child.status, child.errors);
		if (nth == 0)
			most = atol(child.output);
	}
	CHECK(most > 2);
	printf("# points tried: %ld\n", most);
}

#define IN_PLAIN_HEAP(name) CASE_WITH(name, "helpers:never")

static const struct contract_case cases[] = {
	IN_PLAIN_HEAP(every_refusal_in_small_blocks),
	IN_PLAIN_HEAP(every_refusal_in_mixed_blocks),
	IN_PLAIN_HEAP(every_refusal_in_large_blocks),
	IN_PLAIN_HEAP(every_refusal_in_aligned_blocks),
	IN_PLAIN_HEAP(every_refusal_in_blocks_that_grow),
	IN_PLAIN_HEAP(every_refusal_in_threads_that_come_and_go),
	IN_PLAIN_HEAP(every_refusal_in_trimming),
	IN_PLAIN_HEAP(every_refusal_in_forking),
	CASE_WITH(every_refusal_in_growth_with_a_helper, "helpers:always"),
	CASE_WITH(every_refusal_when_hardened, "helpers:never,hardened:true"),
	IN_PLAIN_HEAP(every_refusal_before_main_is_survived),
	CASE_PART(part_begins),
};

/* Not the library that is tried elsewhere, but the same with what counts its calls. */
int main(int argc, char **argv)
{
	contract_use_library("tests/refused/.libs/libhakmem_counted.so");
	return contract_main(argc, argv, cases, sizeof(cases) / sizeof(*cases));
}

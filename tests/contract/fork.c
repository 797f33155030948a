/* SPDX-License-Identifier: MIT */
/*
 * fork, vfork and posix_spawn while other threads are in the middle of the heap: the
 * child can use it, its parent's blocks are whole on both sides, nobody waits for a lock
 * that nobody holds.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"

enum {
	WORKERS = 3,
	MAILBOX = 64,
	HELD = 150,
	OF_CHILD = 120,
	ROUNDS = 100,
	DEEPEST = 3,
	CHILD_LIMIT_S = 30,
};

struct item {
	char *block;
	size_t size;
	uint64_t tag;
};

/* Blocks of the workers on their way to the main thread. */
static struct item mailbox[MAILBOX];
static size_t mailbox_used;		/* by mailbox_lock */
static pthread_mutex_t mailbox_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool stop;

static struct item item_make(uint64_t *random, size_t largest)
{
	struct item item;

	item.size = random_size(random, largest);
	item.tag = random_next(random);
	item.block = malloc(item.size);
	CHECK_THAT(item.block != NULL, "no block of %zu bytes", item.size);
	pattern_write(item.block, item.size, item.tag);
	return item;
}

static void item_check(const struct item *item)
{
	CHECK_THAT(pattern_holds(item->block, item->size, item->tag),
		   "process %d: the block at %p, %zu bytes, was overwritten", getpid(),
		   item->block, item->size);
}

static void item_discard(struct item *item)
{
	item_check(item);
	free(item->block);
}

/* In every function of the heap at random, so that fork finds it in every state. */
static void *worker(void *seed)
{
	uint64_t random = (uint64_t)seed;
	struct item own[64] = { { NULL, 0, 0 } };

	while (!atomic_load(&stop)) {
		size_t largest = random_next(&random) % 50 ? 20000 : 3 * MIB;
		struct item *item = &own[random_next(&random) % 64], old = *item;
		bool mailed = false;

		*item = item_make(&random, largest);
		pthread_mutex_lock(&mailbox_lock);
		if (old.block && mailbox_used < MAILBOX) {
			mailbox[mailbox_used++] = old;
			mailed = true;
		}
		pthread_mutex_unlock(&mailbox_lock);
		if (old.block && !mailed)
			item_discard(&old);
	}
	for (size_t i = 0; i < 64; i++)
		if (own[i].block)
			item_discard(&own[i]);
	return NULL;
}

static struct item held[HELD];
static size_t held_count;

static void collect_mail(void)
{
	pthread_mutex_lock(&mailbox_lock);
	while (mailbox_used && held_count < HELD)
		held[held_count++] = mailbox[--mailbox_used];
	pthread_mutex_unlock(&mailbox_lock);
}

static void *thread_of_child(void *seed)
{
	uint64_t random = (uint64_t)seed;
	struct item items[200];

	for (size_t i = 0; i < 200; i++)
		items[i] = item_make(&random, 9000);
	for (size_t i = 0; i < 200; i++)
		item_discard(&items[i]);
	return NULL;
}

static void use_heap_in_child(size_t round, size_t depth)
{
	uint64_t random = round * 10 + depth;
	struct item items[OF_CHILD];
	pthread_t thread;

	for (size_t i = 0; i < OF_CHILD; i++)
		items[i] = item_make(&random, i % 40 ? 9000 : 2 * MIB);
	for (size_t i = 0; i < held_count; i++)
		item_check(&held[i]);
	/* the child frees what its parent, and threads it has not, allocated */
	for (size_t i = 0; i < held_count; i += 2)
		item_discard(&held[i]);
	for (size_t i = 1; i < held_count; i += 2) {
		held[i].block = realloc(held[i].block, held[i].size + 500);
		CHECK(held[i].block);
	}
	if (round % 8 == 0) {
		start_thread(&thread, NULL, thread_of_child, (void *)round);
		CHECK(!pthread_join(thread, NULL));
	}
	for (size_t i = 0; i < OF_CHILD; i++)
		item_discard(&items[i]);
	for (size_t i = 1; i < held_count; i += 2)
		item_check(&held[i]);
	for (size_t i = 1; i < held_count; i += 2)
		item_discard(&held[i]);
}

/* Forks down to the deepest; each of them uses the heap before or after its own child. */
static void child(size_t round)
{
	size_t depth = 1;
	pid_t pid = -1;

	while (depth < DEEPEST && (pid = fork()) == 0)
		depth++;
	alarm(CHILD_LIMIT_S);
	if (depth < DEEPEST && round % 2)
		expect_success(pid);
	use_heap_in_child(round, depth);
	if (depth < DEEPEST && round % 2 == 0)
		expect_success(pid);
	/* exit runs handlers and destructors too */
	if (round % 16 == 0)
		exit(0);
	_exit(0);
}

static void start_workers(pthread_t workers[WORKERS])
{
	contract_trace_hangs();
	for (size_t i = 0; i < WORKERS; i++)
		start_thread(&workers[i], NULL, worker, (void *)(i + 1));
}

static void join_workers(pthread_t workers[WORKERS])
{
	atomic_store(&stop, true);
	for (size_t i = 0; i < WORKERS; i++)
		CHECK(!pthread_join(workers[i], NULL));
	collect_mail();
	for (size_t i = 0; i < held_count; i++)
		item_discard(&held[i]);
}

static void children_forked_from_a_busy_process_can_use_the_heap(void)
{
	struct rounds rounds = { .most = ROUNDS };
	pthread_t workers[WORKERS];

	start_workers(workers);
	while (next_round(&rounds)) {
		size_t round = rounds.count - 1;
		pid_t pid;

		collect_mail();
		pid = fork();
		if (pid == 0)
			child(round);
		for (size_t i = 0; i < held_count; i++)
			item_check(&held[i]);
		expect_success(pid);
		while (held_count > round % HELD)
			item_discard(&held[--held_count]);
	}
	join_workers(workers);
}

static void *fork_repeatedly(void *seed)
{
	struct rounds rounds = { .most = 40 };
	uint64_t random = (uint64_t)seed;

	while (next_round(&rounds)) {
		struct item item = item_make(&random, 60000);
		pid_t pid = fork();

		if (pid == 0) {
			alarm(CHILD_LIMIT_S);
			item_discard(&item);
			thread_of_child((void *)rounds.count);
			_exit(0);
		}
		expect_success(pid);
		item_discard(&item);
	}
	return NULL;
}

static void several_threads_may_fork_at_once(void)
{
	pthread_t workers[WORKERS], forkers[3];

	start_workers(workers);
	for (size_t i = 0; i < 3; i++)
		start_thread(&forkers[i], NULL, fork_repeatedly, (void *)(i + 7));
	for (size_t i = 0; i < 3; i++)
		CHECK(!pthread_join(forkers[i], NULL));
	join_workers(workers);
}

/* A program's own handlers run around the allocator's, and use the heap. */
static void allocate_in_handler(void)
{
	uint64_t random = 11;
	struct item items[20];

	for (size_t i = 0; i < 20; i++)
		items[i] = item_make(&random, 9000);
	for (size_t i = 0; i < 20; i++)
		item_discard(&items[i]);
}

static void fork_handlers_of_the_program_may_allocate(void)
{
	struct rounds rounds = { .most = 60 };
	pthread_t workers[WORKERS];

	CHECK(!pthread_atfork(allocate_in_handler, allocate_in_handler,
			      allocate_in_handler));
	start_workers(workers);
	while (next_round(&rounds)) {
		pid_t pid = fork();

		if (pid == 0) {
			alarm(CHILD_LIMIT_S);
			allocate_in_handler();
			_exit(0);
		}
		expect_success(pid);
	}
	join_workers(workers);
}

static void spawn_true(void)
{
	static char name[] = "true";
	char *argv[] = { name, NULL };
	posix_spawn_file_actions_t actions;
	pid_t pid;

	CHECK(!posix_spawn_file_actions_init(&actions));
	CHECK(!posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0));
	CHECK(!posix_spawnp(&pid, "true", &actions, NULL, argv, environ));
	CHECK(!posix_spawn_file_actions_destroy(&actions));
	expect_success(pid);
}

static void vfork_true(void)
{
	pid_t pid = vfork();

	if (pid == 0) {
		execl("/bin/true", "true", (char *)NULL);
		_exit(127);
	}
	expect_success(pid);
}

static void vfork_and_spawn_leave_a_busy_heap_alone(void)
{
	pthread_t workers[WORKERS];

	start_workers(workers);
	for (size_t i = 0; i < 60; i++) {
		struct item item;
		uint64_t random = i;

		collect_mail();
		item = item_make(&random, 70000);
		if (i % 2)
			spawn_true();
		else
			vfork_true();
		item_discard(&item);
		for (size_t j = 0; j < held_count; j++)
			item_check(&held[j]);
	}
	CHECK(system("exit 0") == 0);
	join_workers(workers);
}

static const struct contract_case cases[] = {
	CASE(children_forked_from_a_busy_process_can_use_the_heap),
	CASE(several_threads_may_fork_at_once),
	CASE(fork_handlers_of_the_program_may_allocate),
	CASE(vfork_and_spawn_leave_a_busy_heap_alone),
};

CONTRACT_MAIN(cases)

/* SPDX-License-Identifier: MIT */
/*
 * fork, raw clone, vfork, posix_spawn, exec and closed descriptors in a process whose
 * helper is at work: parent and child go on, each with its own memory, and whoever grows
 * gets a helper of its own.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"
#include "tests/populate/watch.h"

enum { ROUNDS = 12, DEEPEST = 3, CHILD_LIMIT_S = 40 };

static atomic_bool stop;

/* Grows, checks and shrinks until it is told to stop. */
static void *grow_and_shrink(void *size)
{
	while (!atomic_load(&stop)) {
		struct growth growth = { NULL, (size_t)size, 0 };

		growth_add(&growth, 48 * MIB, 100);
		growth_check(&growth);
		growth_free(&growth);
	}
	return NULL;
}

static void start_workers(pthread_t workers[2])
{
	atomic_store(&stop, false);
	start_thread(&workers[0], NULL, grow_and_shrink, (void *)200);
	start_thread(&workers[1], NULL, grow_and_shrink, (void *)6000);
}

static void join_workers(pthread_t workers[2])
{
	atomic_store(&stop, true);
	CHECK(!pthread_join(workers[0], NULL));
	CHECK(!pthread_join(workers[1], NULL));
}

/* The child writes into everything that it has from its parent, then grows itself. */
static void use_both(struct growth *inherited)
{
	struct growth own = { NULL, 4000, 0 };

	growth_check(inherited);
	growth_add(&own, 40 * MIB, 200);
	growth_free(inherited);
	growth_add(&own, 80 * MIB, 200);
	growth_check(&own);
	CHECK_THAT(helper_task(), "the child has no helper: %s", mode());
	growth_free(&own);
}

/*
 * A helper that has a processor does something; among many busy threads it may be late. What the
 * parent has grown to until its own helper came is there already.
 */
static void use_both_and_the_helper(struct growth *inherited)
{
	size_t before = populated_ahead();

	use_both(inherited);
	CHECK_THAT(grow_until_helped(before, 3 * STARTING_BYTES),
		   "the child's helper populated nothing");
}

static void descend(struct growth *inherited, int depth, bool loaded)
{
	pid_t pid, parents = helper_task();
	pthread_t workers[2];

	if (loaded)
		start_workers(workers);
	pid = fork();
	if (pid == 0) {
		alarm(CHILD_LIMIT_S);
		CHECK_THAT(!parents || helper_task() != parents, "a helper came along with fork");
		if (depth < DEEPEST)
			descend(inherited, depth + 1, loaded);
		if (loaded)
			use_both(inherited);
		else
			use_both_and_the_helper(inherited);
		_exit(0);
	}
	expect_success(pid);
	if (loaded)
		join_workers(workers);
}

static void parent_and_child_go_on_after_fork_under_load(void)
{
	struct rounds rounds = { .most = ROUNDS };
	pthread_t workers[2];

	start_workers(workers);
	start_helper();
	while (next_round(&rounds)) {
		struct growth held = { NULL, 1500, 0 };
		pid_t pid;

		growth_add(&held, 10 * MIB, 200);
		pid = fork();
		if (pid == 0) {
			alarm(CHILD_LIMIT_S);
			use_both_and_the_helper(&held);
			_exit(0);
		}
		growth_add(&held, 20 * MIB, 100);
		growth_check(&held);
		expect_success(pid);
		growth_check(&held);
		growth_free(&held);
	}
	join_workers(workers);
}

static void nest(bool loaded)
{
	struct growth held = { NULL, 700, 0 };
	struct rounds rounds = { .most = 3 };

	start_helper();
	growth_add(&held, 30 * MIB, 200);
	while (next_round(&rounds))
		descend(&held, 1, loaded);
	growth_check(&held);
}

static void children_may_nest_to_depth_3(void)
{
	nest(false);
}

static void children_may_nest_to_depth_3_under_load(void)
{
	nest(true);
}

/* KiB of this process that another has as well. */
static size_t shared_kib(void)
{
	FILE *file = fopen("/proc/self/smaps_rollup", "re");
	size_t kib, sum = 0;
	char line[256];

	if (!file)
		contract_skip("/proc/self/smaps_rollup cannot be read: %s", strerror(errno));
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "Shared_%*5[CleanDirty]: %zu", &kib) == 1)
			sum += kib;
	fclose(file);
	return sum;
}

/*
 * What the parent filled stays shared, page by page, whatever the child's helper does ahead.
 * Records of what the child takes are its own: 0.9 % of it, and of what comes ahead; where pages
 * are huge the parent had those of them, too.
 */
static void a_growing_child_shares_what_its_parent_filled(void)
{
	struct growth inherited = { NULL, 1500, 0 };
	pid_t pid;

	need_helper_allowed();
	growth_add(&inherited, 6 * MIB, 0);
	pid = fork();
	if (pid == 0) {
		struct growth own = { NULL, 4000, 0 };
		size_t shared = shared_kib(), left,
		       own_kib = huge_pages_are("[always]") ? 4096 : 2048;

		alarm(CHILD_LIMIT_S);
		growth_add(&own, 160 * MIB, 200);
		CHECK_THAT(helper_task(), "the child has no helper: %s", mode());
		left = shared_kib();
		CHECK_THAT(left + own_kib >= shared, "%zu KiB were shared, %zu are", shared, left);
		growth_check(&inherited);
		_exit(0);
	}
	expect_success(pid);
}

/* No fork handler runs; a helper is not to be had, nor waited for. */
static void a_raw_clone_may_allocate(void)
{
	struct growth held = { NULL, 1500, 0 };
	struct rounds rounds = { .most = 10 };

	start_helper();
	growth_add(&held, 40 * MIB, 200);
	while (next_round(&rounds)) {
		pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);

		if (pid == 0) {
			struct growth own = { NULL, 4000, 0 };

			alarm(CHILD_LIMIT_S);
			growth_add(&own, 120 * MIB, 0);
			growth_check(&own);
			growth_check(&held);
			growth_free(&held);
			growth_free(&own);
			_exit(0);
		}
		growth_add(&held, 4 * MIB, 100);
		expect_success(pid);
		growth_check(&held);
	}
}

static void vfork_and_spawn_leave_the_helper_alone(void)
{
	static char name[] = "true";
	char *argv[] = { name, NULL };
	pthread_t workers[2];

	start_workers(workers);
	start_helper();
	for (int i = 0; i < 40; i++) {
		pid_t pid;

		if (i % 2) {
			pid = vfork();
			if (pid == 0) {
				execv("/bin/true", argv);
				_exit(127);
			}
		} else {
			CHECK(!posix_spawnp(&pid, name, NULL, NULL, argv, environ));
		}
		expect_success(pid);
	}
	join_workers(workers);
	start_helper();
}

/* A child that borrows its parent's memory may allocate there, but start no thread. */
static void a_vfork_child_starts_no_helper(void)
{
	static struct growth borrowed = { NULL, 4000, 0 };
	pid_t pid = vfork();

	if (pid == 0) {
		growth_add(&borrowed, 60 * MIB, 0);
		_exit(helper_task() ? 1 : 0);
	}
	expect_success(pid);
	growth_check(&borrowed);
	/* its parent has one as soon as it grows */
	start_helper();
}

/* As daemons do: by one call, or where there is none one by one. */
static void close_from(unsigned first)
{
	if (syscall(SYS_close_range, first, ~0u, 0u))
		for (unsigned fd = first; fd < 1024; fd++)
			close((int)fd);
}

static void a_daemon_may_close_every_descriptor(void)
{
	struct growth growth = { NULL, 4000, 0 };
	size_t before;
	pid_t pid;

	start_helper();
	close_from(3);
	for (int i = 0; i < 3; i++) {
		before = populated_ahead();
		/* On a busy machine it grows too slowly at times to have anything brought ahead. */
		for (int j = 0; j < 8 && populated_ahead() <= before + 4 * MIB; j++)
			growth_add(&growth, 100 * MIB, 300);
		CHECK_THAT(populated_ahead() > before + 4 * MIB,
			   "after close_range only %zu bytes were populated: %s",
			   populated_ahead() - before, mode());
	}
	growth_check(&growth);
	/* and its child, which becomes the daemon */
	pid = fork();
	if (pid == 0) {
		alarm(CHILD_LIMIT_S);
		CHECK(setsid() > 0);
		close_from(0);
		use_both(&growth);
		_exit(0);
	}
	expect_success(pid);
	growth_check(&growth);
}

/* Descriptors of the helper would have to be in the way of the program's numbers. */
static void none_of_the_helpers_descriptors_is_the_programs(void)
{
	int before = dup(2), after;

	CHECK(before >= 0 && !close(before));
	start_helper();
	after = dup(2);
	CHECK_THAT(after == before, "the next descriptor was %d and is %d", before, after);
}

/* A pipe's reader sees its end although the helper was there when the pipe was. */
static void the_helper_holds_no_pipe_of_the_program_open(void)
{
	int ends[2];
	char byte;

	CHECK(!pipe(ends));
	start_helper();
	close(ends[1]);
	alarm(10);
	CHECK(read(ends[0], &byte, 1) == 0);
}

static void part_execs(void)
{
	static char self[] = "/proc/self/exe", part[] = "part_is_execed";
	char *argv[] = { self, part, NULL };

	start_helper();
	execv(self, argv);
	_exit(1);
}

static void part_is_execed(void)
{
	start_helper();
	dprintf(1, "execed\n");
}

static void a_process_with_a_helper_may_exec(void)
{
	static struct child child;

	need_helper_possible();
	child_run_case(&child, "part_execs", NULL, NULL);
	CHECK_THAT(child_succeeded(&child) && !strcmp(child.output, "execed\n"),
		   "status %#x: %s", (unsigned int)child.status, child.errors);
}

static void *end_last(void *main_thread)
{
	pthread_join(*(pthread_t *)main_thread, NULL);
	sleep_ms(300);
	return NULL;
}

/* A process ends with the last of its threads, and the helper is none of them. */
static void a_process_ends_with_the_last_of_its_own_threads(void)
{
	static pthread_t self, last;
	int status = 0;
	pid_t ended = 0, pid = fork();

	need_helper_possible();
	if (pid == 0) {
		start_helper();
		self = pthread_self();
		start_thread(&last, NULL, end_last, &self);
		pthread_exit(NULL);
	}
	/* not by a signal: the helper has them blocked */
	for (int i = 0; i < 100 && !ended; i++) {
		sleep_ms(100);
		ended = waitpid(pid, &status, WNOHANG);
	}
	if (!ended)
		kill(pid, SIGKILL);
	CHECK_THAT(ended == pid && status == 0,
		   "only the helper was left, and the process did not end");
}

static const struct contract_case cases[] = {
	CASE_WITH(parent_and_child_go_on_after_fork_under_load, "helpers:always"),
	CASE_WITH(children_may_nest_to_depth_3, "helpers:always"),
	CASE_WITH(children_may_nest_to_depth_3_under_load, "helpers:always"),
	CASE_WITH(a_growing_child_shares_what_its_parent_filled, "helpers:auto"),
	CASE_WITH(a_raw_clone_may_allocate, "helpers:always"),
	CASE_WITH(vfork_and_spawn_leave_the_helper_alone, "helpers:always"),
	CASE_WITH(a_vfork_child_starts_no_helper, "helpers:auto"),
	CASE_WITH(a_daemon_may_close_every_descriptor, "helpers:always"),
	CASE_WITH(none_of_the_helpers_descriptors_is_the_programs, "helpers:auto"),
	CASE_WITH(the_helper_holds_no_pipe_of_the_program_open, "helpers:auto"),
	CASE_WITH(a_process_with_a_helper_may_exec, "helpers:always"),
	CASE_WITH(a_process_ends_with_the_last_of_its_own_threads, "helpers:always"),
	CASE_PART(part_execs),
	CASE_PART(part_is_execed),
};

CONTRACT_MAIN(cases)

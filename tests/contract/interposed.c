/* SPDX-License-Identifier: MIT */
/*
 * What stands between a program and the C library, and what the C library does at its functions:
 * other preloads that allocate in what they interpose, clocks that stand, cancellation, strict
 * seccomp.
 */
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"

enum { BLOCKS = 400, GROWN_MIB = 64, LET_GO = 8400 };

static void *use_heap(void *argument)
{
	char *blocks[BLOCKS];

	for (size_t i = 0; i < BLOCKS; i++) {
		blocks[i] = malloc(i * 37 + 1);
		CHECK(blocks[i]);
		pattern_write(blocks[i], i * 37 + 1, i);
	}
	for (size_t i = 0; i < BLOCKS; i++) {
		CHECK(pattern_holds(blocks[i], i * 37 + 1, i));
		free(blocks[i]);
	}
	for (size_t bytes = 1; bytes < 64 * MIB; bytes *= 3) {
		char *block = malloc(bytes);

		CHECK(block);
		memset(block, 1, bytes);
		free(realloc(block, 2 * bytes));
	}
	return argument;
}

static void grow_and_shrink(void)
{
	static char *blocks[16 * GROWN_MIB];

	for (size_t i = 0; i < 16 * GROWN_MIB; i++) {
		blocks[i] = malloc(MIB / 16);
		CHECK(blocks[i]);
		memset(blocks[i], 1, MIB / 16);
	}
	for (size_t i = 0; i < 16 * GROWN_MIB; i++)
		free(blocks[i]);
}

static void part_beside_an_interposer(void)
{
	pthread_t threads[3];
	size_t grown;
	pid_t pid;

	CHECK(dlsym(RTLD_DEFAULT, "interposer_calls"));
	for (size_t i = 0; i < 3; i++)
		start_thread(&threads[i], NULL, use_heap, NULL);
	for (size_t i = 0; i < 3; i++)
		CHECK(!pthread_join(threads[i], NULL));
	grow_and_shrink();
	grown = resident_bytes();
	pid = fork();
	if (pid == 0) {
		use_heap(NULL);
		_exit(0);
	}
	expect_success(pid);
	/* Given back by the helper, whatever the program's clock says. */
	for (int i = 0; i < 400 && resident_bytes() + GROWN_MIB / 2 * MIB > grown; i++)
		usleep(20000);
	printf("%zu %zu\n", grown, resident_bytes());
}

/* first: the interposer stands before the library; otherwise behind. */
static void run_beside_interposer(bool first, const char *options)
{
	static char preload[8192], variable[256];
	static struct child child;
	const char *const changes[] = { preload, variable, NULL };
	const char *folder = getenv("top_builddir");
	char shim[4096];
	size_t grown = 0, left = 0;

	snprintf(shim, sizeof(shim), "%s/tests/contract/.libs/interposer.so",
		 folder ? folder : ".");
	snprintf(preload, sizeof(preload), "LD_PRELOAD=%s %s", first ? shim : contract_library(),
		 first ? contract_library() : shim);
	snprintf(variable, sizeof(variable), "HAKMEM_OPTIONS=%s", options);
	child_run_case(&child, "part_beside_an_interposer", NULL, changes);
	CHECK_THAT(child_succeeded(&child), "wait status %#x: %s", (unsigned int)child.status,
		   child.errors);
	CHECK(sscanf(child.output, "%zu %zu", &grown, &left) == 2);
	if (strstr(options, "helpers:always"))
		CHECK_THAT(left + GROWN_MIB / 2 * MIB <= grown, "%zu of %zu KiB are resident",
			   left / KIB, grown / KIB);
}

static void a_preload_may_allocate_in_whatever_it_interposes(void)
{
	run_beside_interposer(true, "helpers:never");
	run_beside_interposer(false, "helpers:never");
	run_beside_interposer(true, "helpers:never,hardened:true");
}

static void memory_is_given_back_where_the_clock_stands(void)
{
	need_helper_possible();
	need_madvise();
	run_beside_interposer(true, "helpers:always");
	run_beside_interposer(false, "helpers:always");
}

/* --- cancellation --- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static volatile bool came_through;

static void *allocate_with_a_cancel_pending(void *options)
{
	pthread_cancel(pthread_self());
	pthread_mutex_lock(&mutex);
	grow_and_shrink();
	use_heap(NULL);
	free(calloc(1, 100 * MIB));
	malloc_trim(0);
	came_through = true;
	pthread_mutex_unlock(&mutex);
	pthread_testcancel();
	return options;
}

static void allocating_is_no_cancellation_point(void)
{
	pthread_t thread;
	void *result;

	start_thread(&thread, NULL, allocate_with_a_cancel_pending, NULL);
	CHECK(!pthread_join(thread, &result));
	CHECK_THAT(came_through, "the thread ended in the middle of an allocation");
	CHECK(result == PTHREAD_CANCELED);
	CHECK(!pthread_mutex_trylock(&mutex));
}

/* --- strict seccomp: read, write, exit, sigreturn, and no reading of time stamps --- */

static void warm_up(void)
{
	for (size_t round = 0; round < 4; round++)
		use_heap(NULL);
}

static void allocate_in_strict_mode(void)
{
	char *blocks[BLOCKS];
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		grow_and_shrink();
		warm_up();
		usleep(300000);	/* a helper begins to time what threads wait for */
		if (prctl(PR_SET_SECCOMP, 1))
			_exit(0);
		for (size_t round = 0; round < 100; round++) {
			for (size_t i = 0; i < BLOCKS; i++) {
				blocks[i] = malloc(i * 37 + 1);
				blocks[i][0] = 1;
			}
			for (size_t i = 0; i < BLOCKS; i++)
				free(blocks[i]);
		}
		write(1, "through\n", 8);
		syscall(SYS_exit, 0);
	}
	for (int i = 0; i < 1000 && !waitpid(pid, &status, WNOHANG); i++)
		usleep(10000);
	kill(pid, SIGKILL);
	if (WIFSIGNALED(status))
		fprintf(stderr, "signal %d", WTERMSIG(status));
}

static void part_in_strict_mode(void)
{
	allocate_in_strict_mode();
}

/* Its own threads may keep the process from ending; what it says tells. */
static void expect_through(const char *part, const char *options)
{
	static struct child child;
	char variable[64];
	const char *const changes[] = { variable, NULL };

	snprintf(variable, sizeof(variable), "HAKMEM_OPTIONS=%s", options);
	child_run_case(&child, part, NULL, changes);
	CHECK_THAT(!strcmp(child.output, "through\n"), "%s: %s, status %#x", options, child.errors,
		   (unsigned)child.status);
}

static void a_warm_program_allocates_in_strict_mode(void)
{
	skip_under_filter("it");
	expect_through("part_in_strict_mode", "helpers:auto");
	expect_through("part_in_strict_mode", "helpers:always");
	expect_through("part_in_strict_mode", "hardened:true");
}

/* 8 MiB, which a process that is small otherwise wants given back, by a helper if need be. */
static void part_lets_go_in_strict_mode(void)
{
	static char *blocks[LET_GO];

	for (size_t i = 0; i < LET_GO; i++)
		blocks[i] = malloc(1000);
	if (prctl(PR_SET_SECCOMP, 1))
		_exit(0);
	for (size_t round = 0; round < 3; round++) {
		for (size_t i = 0; i < LET_GO; i++)
			free(blocks[i]);
		for (size_t i = 0; i < LET_GO; i++)
			blocks[i] = malloc(1000);
	}
	write(1, "through\n", 8);
	syscall(SYS_exit, 0);
}

static void part_grows_in_strict_mode(void)
{
	warm_up();
	if (prctl(PR_SET_SECCOMP, 1))
		_exit(0);
	for (size_t i = 0; i < 1000 * LET_GO && malloc(1000); i++)
		;
	for (size_t i = 0; i < LET_GO && malloc(2000000); i++)
		;
	write(1, "through\n", 8);
	syscall(SYS_exit, 0);
}

/* Every call that a growing heap makes would end it. */
static void a_heap_that_would_grow_in_strict_mode_is_out_of_memory(void)
{
	skip_under_filter("it");
	expect_through("part_grows_in_strict_mode", "helpers:auto");
	expect_through("part_grows_in_strict_mode", "hardened:true");
}

static void *enter_strict_mode(void *argument)
{
	prctl(PR_SET_SECCOMP, 1);
	syscall(SYS_exit, 0);
	return argument;
}

/* The mode is the one thread's, and ends with it. */
static void a_thread_in_strict_mode_leaves_the_others_their_memory(void)
{
	pthread_t thread;

	skip_under_filter("it");
	start_thread(&thread, NULL, enter_strict_mode, NULL);
	usleep(200000);
	for (size_t i = 0; i < 16; i++)
		CHECK(malloc(8 << 20));
	for (size_t i = 0; i < 100000; i++)
		CHECK(malloc(1000));
}

/* It shares its parent's memory, not its mode. */
static void a_vfork_s_child_in_strict_mode_leaves_its_parent_its_memory(void)
{
	int status;
	pid_t pid;

	skip_under_filter("it");
	pid = vfork();
	if (pid == 0) {
		prctl(PR_SET_SECCOMP, 1);
		syscall(SYS_exit, 0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	for (size_t i = 0; i < 16; i++)
		CHECK(malloc(8 << 20));
}

static void what_is_let_go_in_strict_mode_starts_no_helper(void)
{
	skip_under_filter("it");
	expect_through("part_lets_go_in_strict_mode", "helpers:auto");
	expect_through("part_lets_go_in_strict_mode", "helpers:always");
	expect_through("part_lets_go_in_strict_mode", "control:always");
}

static const struct contract_case cases[] = {
	CASE(a_heap_that_would_grow_in_strict_mode_is_out_of_memory),
	CASE_PART(part_grows_in_strict_mode),
	CASE(a_thread_in_strict_mode_leaves_the_others_their_memory),
	CASE(a_vfork_s_child_in_strict_mode_leaves_its_parent_its_memory),
	CASE(what_is_let_go_in_strict_mode_starts_no_helper),
	CASE_PART(part_lets_go_in_strict_mode),
	CASE(a_preload_may_allocate_in_whatever_it_interposes),
	CASE(memory_is_given_back_where_the_clock_stands),
	CASE(allocating_is_no_cancellation_point),
	CASE(a_warm_program_allocates_in_strict_mode),
	CASE_PART(part_beside_an_interposer),
	CASE_PART(part_in_strict_mode),
};

CONTRACT_MAIN(cases)

/* SPDX-License-Identifier: MIT */
/*
 * stepped.c - counts the instructions of a warm malloc and a warm free where there is no callgrind,
 * as in the arm64 guest of `make check-arm64`: a child under $HAKMEM_LIB is single-stepped from one
 * stop of its own to the next, with the call between and with a callee of one instruction.
 */
#include "bench/harness.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LIVE_BLOCKS = 8, WARM_UP_PAIRS = 600, TIMES = 9, STEPS_MOST = 100000 };

static const size_t sizes[] = { 16, 100, 1000, 4000, 8000 };

#define SIZES		(sizeof(sizes) / sizeof(sizes[0]))

typedef void *(*malloc_function)(size_t bytes);
typedef void (*free_function)(void *block);

void stepped_one(void);

/* The callee of exactly one instruction. */
__asm__(".text\n"
	".globl stepped_one\n"
	"stepped_one:\n"
	"	ret\n");

static void stop(void)
{
	syscall(SYS_kill, getpid(), SIGSTOP);
}

static __attribute__((noinline)) void *stepped_malloc(malloc_function call, size_t bytes)
{
	void *block;

	stop();
	block = call(bytes);
	stop();
	return block;
}

static __attribute__((noinline)) void stepped_free(free_function call, void *block)
{
	stop();
	call(block);
	stop();
}

static void run_child(void)
{
	union {
		void *found;
		void (*one)(void);
		malloc_function as_malloc;
		free_function as_free;
	} one = { .one = stepped_one }, take = { .found = dlsym(RTLD_DEFAULT, "malloc") },
	  put = { .found = dlsym(RTLD_DEFAULT, "free") };
	void *live[LIVE_BLOCKS], *block;

	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) || !take.found || !put.found)
		_exit(1);
	for (size_t i = 0; i < SIZES; i++) {
		for (size_t k = 0; k < LIVE_BLOCKS; k++)
			live[k] = take.as_malloc(sizes[i]);
		for (size_t k = 0; k < WARM_UP_PAIRS; k++)
			put.as_free(take.as_malloc(sizes[i]));
		for (size_t k = 0; k < TIMES; k++) {
			stepped_malloc(one.as_malloc, 0);
			block = stepped_malloc(take.as_malloc, sizes[i]);
			stepped_free(one.as_free, NULL);
			stepped_free(put.as_free, block);
		}
		for (size_t k = 0; k < LIVE_BLOCKS; k++)
			put.as_free(live[k]);
	}
	_exit(0);
}

/* False: it has ended. Signals that are not its own stops reach it. */
static bool wait_for_stop(pid_t child)
{
	int status;

	for (;;) {
		if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status))
			return false;
		if (WSTOPSIG(status) == SIGSTOP)
			return true;
		ptrace(PTRACE_CONT, child, NULL, (void *)(uintptr_t)WSTOPSIG(status));
	}
}

/* The steps from one stop to the next. */
static int count_steps(pid_t child)
{
	int status, steps = 0;

	while (steps++ < STEPS_MOST) {
		if (ptrace(PTRACE_SINGLESTEP, child, NULL, NULL) ||
		    waitpid(child, &status, 0) != child || !WIFSTOPPED(status))
			break;
		if (WSTOPSIG(status) == SIGSTOP)
			return steps;
	}
	harness_fail("the child cannot be stepped");
}

static int between_next_stops(pid_t child)
{
	int steps;

	if (!wait_for_stop(child))
		harness_fail("the child has ended");
	steps = count_steps(child);
	ptrace(PTRACE_CONT, child, NULL, NULL);
	return steps;
}

static int compare(const void *left, const void *right)
{
	return *(const int *)left - *(const int *)right;
}

static void measure(pid_t child, size_t bytes)
{
	int mallocs[TIMES], frees[TIMES];

	for (int i = 0; i < TIMES; i++) {
		mallocs[i] = 1 - between_next_stops(child);
		mallocs[i] += between_next_stops(child);
		frees[i] = 1 - between_next_stops(child);
		frees[i] += between_next_stops(child);
	}
	qsort(mallocs, TIMES, sizeof(int), compare);
	qsort(frees, TIMES, sizeof(int), compare);
	printf("table: instructions of a warm call of %4zu B: malloc %d, free %d\n", bytes,
	       mallocs[TIMES / 2], frees[TIMES / 2]);
}

int main(int argc, char **argv)
{
	const char *library = getenv("HAKMEM_LIB");
	pid_t child;

	if (argc > 1)
		run_child();
	child = fork();
	if (!child) {
		if (library)
			setenv("LD_PRELOAD", library, 1);
		setenv("HAKMEM_OPTIONS", "helpers:never", 1);
		execl("/proc/self/exe", argv[0], "child", (char *)NULL);
		_exit(1);
	}
	for (size_t i = 0; i < SIZES; i++)
		measure(child, sizes[i]);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return 0;
}

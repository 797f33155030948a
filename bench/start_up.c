/* SPDX-License-Identifier: MIT */
/*
 * start_up ROUNDS NAME=LIBRARY... starts an empty program under each library (NAME= is
 * none), many times, in an order that changes, and prints for each
 *	NAME median-ns p10-ns p90-ns resident-KiB
 * Time is from spawn to reaped; resident size is what /proc/PID/smaps_rollup says when
 * the program is about to exit. BENCH_TRUE names another program than true.
 */
#include "bench/harness.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	MAX_CANDIDATES = 32,
	WARM_UP_ROUNDS = 5,
	SEED = 42,
	PATH_BYTES = 4096,
};

struct candidate {
	const char *name;
	char preload[PATH_BYTES];
	uint64_t *times_ns;
};

static struct candidate candidates[MAX_CANDIDATES];
static unsigned int candidate_count;
static const char *program = "/bin/true";

static void add_candidate(char *argument, unsigned int rounds)
{
	struct candidate *candidate = &candidates[candidate_count];
	char *equals = strchr(argument, '=');

	if (!equals || candidate_count == MAX_CANDIDATES)
		harness_fail("usage: start_up ROUNDS NAME=LIBRARY...");
	*equals = '\0';
	candidate->name = argument;
	snprintf(candidate->preload, PATH_BYTES, "LD_PRELOAD=%s", equals + 1);
	candidate->times_ns = harness_map(rounds * sizeof(uint64_t));
	candidate_count++;
}

static uint64_t time_once(struct candidate *candidate)
{
	char *const arguments[] = { (char *)program, NULL };
	char *const environment[] = { candidate->preload, NULL };
	uint64_t start_ns = harness_now_ns();
	pid_t child;
	int status;

	if (posix_spawn(&child, program, NULL, NULL, arguments, environment))
		harness_fail("cannot start the program");
	if (waitpid(child, &status, 0) != child || status)
		harness_fail("the program failed");
	return harness_now_ns() - start_ns;
}

static unsigned long rollup_kib(pid_t child)
{
	char path[64];
	char text[2048];
	const char *line;
	ssize_t length;
	int file;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)child);
	file = open(path, O_RDONLY | O_CLOEXEC);
	length = file < 0 ? -1 : read(file, text, sizeof(text) - 1);
	if (length < 0)
		harness_fail("cannot read smaps_rollup");
	close(file);
	text[length] = '\0';
	line = strstr(text, "Rss:");
	if (!line)
		harness_fail("no Rss in smaps_rollup");
	return strtoul(line + strlen("Rss:"), NULL, 10);
}

static void exec_traced(struct candidate *candidate)
{
	char *const arguments[] = { (char *)program, NULL };
	char *const environment[] = { candidate->preload, NULL };

	if (ptrace(PTRACE_TRACEME, 0, 0, 0))
		harness_fail("ptrace failed");
	raise(SIGSTOP);
	execve(program, arguments, environment);
	harness_fail("cannot start the program");
}

/* Stops the program when it is about to exit; its memory is still there then. */
static unsigned long resident_at_exit_kib(struct candidate *candidate)
{
	pid_t child = fork();
	unsigned long kib = 0;
	int status;

	if (child < 0)
		harness_fail("fork failed");
	if (!child)
		exec_traced(candidate);
	if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL))
		harness_fail("ptrace failed");
	while (WIFSTOPPED(status)) {
		if (status >> 16 == PTRACE_EVENT_EXIT)
			kib = rollup_kib(child);
		ptrace(PTRACE_CONT, child, 0, 0);
		if (waitpid(child, &status, 0) != child)
			harness_fail("the program is lost");
	}
	return kib;
}

static int compare_times(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left;
	uint64_t b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

static void print_candidate(struct candidate *candidate, unsigned int rounds)
{
	uint64_t *times = candidate->times_ns;

	qsort(times, rounds, sizeof(*times), compare_times);
	printf("%s %llu %llu %llu %lu\n", candidate->name,
	       (unsigned long long)times[rounds / 2],
	       (unsigned long long)times[rounds / 10],
	       (unsigned long long)times[rounds - 1 - rounds / 10],
	       resident_at_exit_kib(candidate));
}

/* In random order: what one program leaves to the kernel at its exit, the next pays. */
static void shuffle(struct candidate **order)
{
	static uint64_t state = SEED;

	for (unsigned int i = 0; i < candidate_count; i++)
		order[i] = &candidates[i];
	for (unsigned int i = candidate_count; i > 1; i--) {
		unsigned int other = (unsigned int)(harness_random(&state) % i);
		struct candidate *moved = order[other];

		order[other] = order[i - 1];
		order[i - 1] = moved;
	}
}

static void run_round(unsigned int round)
{
	struct candidate *order[MAX_CANDIDATES];

	shuffle(order);
	for (unsigned int i = 0; i < candidate_count; i++) {
		uint64_t elapsed_ns = time_once(order[i]);

		if (round >= WARM_UP_ROUNDS)
			order[i]->times_ns[round - WARM_UP_ROUNDS] = elapsed_ns;
	}
}

int main(int argc, char **argv)
{
	unsigned int rounds = argc > 2 ? (unsigned int)strtoul(argv[1], NULL, 10) : 0;

	if (!rounds)
		harness_fail("usage: start_up ROUNDS NAME=LIBRARY...");
	if (getenv("BENCH_TRUE"))
		program = getenv("BENCH_TRUE");
	for (int i = 2; i < argc; i++)
		add_candidate(argv[i], rounds);
	harness_pin();
	for (unsigned int round = 0; round < rounds + WARM_UP_ROUNDS; round++)
		run_round(round);
	for (unsigned int i = 0; i < candidate_count; i++)
		print_candidate(&candidates[i], rounds);
	return 0;
}

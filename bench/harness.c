/* SPDX-License-Identifier: MIT */
/*
 * The shared part of the workloads: clock, tables, affinity, and a row's line of
 * results. Peak resident size comes from VmHWM, not from getrusage: ru_maxrss is
 * inherited through exec from whoever started the bench.
 */
#include "bench/harness.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
	QUICK_DIVISOR = 8,
	SEED = 42,
	STATUS_BYTES = 4096,
};

uint64_t harness_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

void harness_fail(const char *what)
{
	static const char prefix[] = "bench: ";

	/* no stdio: its buffer would come from an allocator that has just failed */
	if (write(STDERR_FILENO, prefix, sizeof(prefix) - 1) < 0 ||
	    write(STDERR_FILENO, what, strlen(what)) < 0 ||
	    write(STDERR_FILENO, "\n", 1) < 0)
		_exit(3);
	_exit(2);
}

uint64_t harness_operations(const struct bench_row *row)
{
	if (getenv("BENCH_QUICK"))
		return row->operations / QUICK_DIVISOR;
	return row->operations;
}

/* The seed of rows that one sequence would not do justice to; BENCH_SEED names it. */
uint64_t harness_seed(void)
{
	const char *wanted = getenv("BENCH_SEED");

	return wanted ? strtoull(wanted, NULL, 10) : SEED;
}

/* Tables of the bench itself: resident from the start, alike under every allocator. */
void *harness_map(size_t bytes)
{
	void *table = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (table == MAP_FAILED)
		harness_fail("no memory for a table");
	return table;
}

/* Rows with one thread stay on one processor; BENCH_CPU names it. */
void harness_pin(void)
{
	const char *wanted = getenv("BENCH_CPU");
	cpu_set_t set;

	if (!wanted)
		return;
	CPU_ZERO(&set);
	CPU_SET((size_t)strtoul(wanted, NULL, 10), &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		harness_fail("cannot run on the processor that BENCH_CPU names");
}

static unsigned long status_kib(const char *status, const char *key)
{
	const char *line = strstr(status, key);

	if (!line)
		harness_fail("/proc/self/status lacks a line");
	return strtoul(line + strlen(key), NULL, 10);
}

static void read_status(char *status)
{
	int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	ssize_t length;

	if (file < 0)
		harness_fail("cannot open /proc/self/status");
	length = read(file, status, STATUS_BYTES - 1);
	if (length < 0)
		harness_fail("cannot read /proc/self/status");
	status[length] = '\0';
	close(file);
}

void harness_print_sizes(const struct bench_row *row, uint64_t operations,
			 uint64_t elapsed_ns, unsigned long peak_kib,
			 unsigned long end_kib)
{
	struct rusage usage;
	char line[256];
	int length;

	getrusage(RUSAGE_SELF, &usage);
	length = snprintf(line, sizeof(line), "%s %llu %.9f %lu %lu %ld\n", row->name,
			  (unsigned long long)operations, (double)elapsed_ns / 1e9,
			  peak_kib, end_kib, usage.ru_minflt);
	if (length < 0 || write(STDOUT_FILENO, line, (size_t)length) != length)
		harness_fail("cannot print the result");
}

void harness_print(const struct bench_row *row, uint64_t operations, uint64_t elapsed_ns)
{
	char status[STATUS_BYTES];

	read_status(status);
	harness_print_sizes(row, operations, elapsed_ns, status_kib(status, "VmHWM:"),
			    status_kib(status, "VmRSS:"));
}

void harness_timing_begin(struct bench_timing *timing, const struct bench_row *row,
			  uint64_t round)
{
	const char *rounds = getenv("BENCH_ROUNDS");

	timing->operations = rounds ? round * strtoull(rounds, NULL, 10) : harness_operations(row);
	timing->cap_ns = rounds ? UINT64_MAX : (uint64_t)BENCH_CAP_MS * 1000000U;
	timing->done = 0;
	timing->round = round;
	timing->end_ns = 0;
	timing->start_ns = 0;
}

bool harness_timing_next(struct bench_timing *timing)
{
	uint64_t now = harness_now_ns();

	if (!timing->start_ns) {
		timing->start_ns = now;
		return true;
	}
	timing->done += timing->round;
	timing->end_ns = now;
	return timing->done < timing->operations &&
	       now - timing->start_ns < timing->cap_ns;
}

void harness_timing_print(const struct bench_timing *timing, const struct bench_row *row)
{
	harness_print(row, timing->done, timing->end_ns - timing->start_ns);
}

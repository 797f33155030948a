/* SPDX-License-Identifier: MIT */
/*
 * release SCENARIO BLOCK_BYTES MIB [USAGE-FILE]: memory over time after a program stops using
 * it, with any allocator preloaded. It prints `name value` lines: time of the frees, resident
 * size and the USAGE-FILE of a cgroup some seconds later, processor time of its own thread and
 * of all others.
 *
 *   burst       everything is freed at once
 *   survivors   1 block in 100 is kept
 *   saw         freed and allocated again four times a second, with releasing and without by
 *               turns: for hakmem alone
 *   cost        burst, watched for a shorter time
 *   holes       every second block is kept
 *   own, own_holes
 *               what cost and holes free the program gives back by its own madvise, and ends at
 *               once: the allocator must not be used any more, nor release meanwhile
 */
#include "bench/harness.h"
#include "bench/process_view.h"
#include "bench/syscall_marker.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum {
	TEETH = 6,
	SAW_TURNS = 12,
	TEETH_A_SECOND = 4,
	KEPT_ONE_IN = 100,
	LAST_SECOND = 5,
	LAST_SECOND_OF_COST = 3,
	SETTLE_MS = 1500,
	DECAY_MS = 1000,
	NS_PER_MS = 1000000,
	NS_PER_SECOND = 1000000000,
};

/* What one request of hakmem's helper covers at most. */
#define PIECE_BYTES	(16 * BENCH_MIB)
#define HUGE_PAGE_BYTES ((uintptr_t)2 << 20)

static char **blocks;
static size_t block_bytes, block_count;
static const char *usage_path;
static struct syscall_marker marker = { .operation = SYSCALL_MARKER_START };

static void print(const char *name, uint64_t value)
{
	char line[96];
	int length = snprintf(line, sizeof(line), "%s %llu\n", name, (unsigned long long)value);

	if (length < 0 || write(STDOUT_FILENO, line, (size_t)length) != length)
		harness_fail("cannot print the result");
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

static uint64_t others_cpu_ns(void)
{
	uint64_t own_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);

	return clock_ns(CLOCK_PROCESS_CPUTIME_ID) - own_ns;
}

static void sleep_until(uint64_t end_ns)
{
	struct timespec end = { (time_t)(end_ns / NS_PER_SECOND), (long)(end_ns % NS_PER_SECOND) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL))
		;
}

static void allocate(void)
{
	for (size_t i = 0; i < block_count; i++) {
		if (blocks[i])
			continue;
		blocks[i] = malloc(block_bytes);
		if (!blocks[i])
			harness_fail("malloc failed");
		harness_touch(blocks[i], 0, block_bytes);
	}
}

/* Memory that an allocator brings ahead of a demand that has just ended is not the question. */
static void settle(void)
{
	sleep_until(harness_now_ns() + (uint64_t)SETTLE_MS * NS_PER_MS);
}

/* Returns how many stay. */
static size_t free_but_one_in(size_t kept_one_in)
{
	size_t kept = 0;

	for (size_t i = 0; i < block_count; i++) {
		if (kept_one_in && i % kept_one_in == 0) {
			kept++;
			continue;
		}
		free(blocks[i]);
		blocks[i] = NULL;
	}
	return kept;
}

static void print_cgroup(int second)
{
	char text[32] = "";
	char name[32];
	int file = open(usage_path, O_RDONLY | O_CLOEXEC);

	if (file < 0 || read(file, text, sizeof(text) - 1) <= 0)
		harness_fail("cannot read the cgroup's usage");
	close(file);
	snprintf(name, sizeof(name), "at_%d_cgroup_kib", second);
	print(name, strtoul(text, NULL, 10) / BENCH_KIB);
}

static void watch(uint64_t began_ns, int seconds)
{
	char name[32];

	for (int second = 0; second <= seconds; second++) {
		sleep_until(began_ns + (uint64_t)second * NS_PER_SECOND);
		snprintf(name, sizeof(name), "at_%d_resident_kib", second);
		print(name, process_view_memory().resident_kib);
		if (usage_path)
			print_cgroup(second);
	}
}

/* 0 where the library has no counters. */
static size_t read_counter(const char *name)
{
	size_t (*read)(const char *name);

	*(void **)&read = dlsym(RTLD_DEFAULT, "hak_stats_read");
	return read ? read(name) : 0;
}

static void print_counters(void)
{
	static const char *const names[] = {
		"release.bytes", "release.ring_bytes", "release.vector_bytes",
		"release.plain_bytes", "release.trimmed_bytes",
	};

	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		print(names[i], read_counter(names[i]));
}

struct saw_times {
	uint64_t free_ns, busy_ns, cpu_ns; /* of all the frees; and of the allocations, too */
};

static void saw_teeth(struct saw_times *times)
{
	uint64_t next_ns = harness_now_ns();
	uint64_t cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);

	for (int tooth = 0; tooth < TEETH; tooth++) {
		uint64_t began_ns = harness_now_ns();

		free_but_one_in(0);
		times->free_ns += harness_now_ns() - began_ns;
		times->busy_ns += harness_now_ns() - began_ns;
		next_ns += NS_PER_SECOND / TEETH_A_SECOND;
		sleep_until(next_ns);
		began_ns = harness_now_ns();
		allocate();
		times->busy_ns += harness_now_ns() - began_ns;
	}
	times->cpu_ns += clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_ns;
}

static void set_decay(const char *milliseconds)
{
	int (*set)(const char *name, size_t *value, const char *change);

	*(void **)&set = dlsym(RTLD_DEFAULT, "hak_ctl");
	if (!set || set("decay_ms", NULL, milliseconds))
		harness_fail("the decay cannot be set");
}

/*
 * With releasing and without it by turns, since a machine's next minute is another one. The
 * first teeth are not counted: what the program used when it started, and no more, goes back
 * meanwhile.
 */
static void saw(void)
{
	struct saw_times first = { 0 }, times[2] = { { 0 } };
	size_t before_bytes;

	saw_teeth(&first);
	saw_teeth(&first);
	before_bytes = read_counter("release.bytes");
	for (int turn = 0; turn < SAW_TURNS; turn++) {
		bool with_it = turn % 4 == 0 || turn % 4 == 3;
		struct saw_times turns = { 0 };

		set_decay(with_it ? "1000" : "3600000");
		saw_teeth(&turns);
		times[with_it].free_ns += turns.free_ns;
		times[with_it].busy_ns += turns.busy_ns;
		times[with_it].cpu_ns += turns.cpu_ns;
	}
	print("saw_free_ns", times[true].free_ns);
	print("saw_busy_ns", times[true].busy_ns);
	print("saw_cpu_ns", times[true].cpu_ns);
	print("saw_off_free_ns", times[false].free_ns);
	print("saw_off_busy_ns", times[false].busy_ns);
	print("saw_off_cpu_ns", times[false].cpu_ns);
	print("saw_given_bytes", read_counter("release.bytes") - before_bytes);
	print("saw_given_before_bytes", before_bytes);
}

static void find_bounds(uintptr_t *low, uintptr_t *high)
{
	*low = UINTPTR_MAX;
	*high = 0;
	for (size_t i = 0; i < block_count; i++) {
		uintptr_t block = (uintptr_t)blocks[i];

		if (block < *low)
			*low = block;
		if (block + block_bytes > *high)
			*high = block + block_bytes;
	}
	*low &= ~(HUGE_PAGE_BYTES - 1);
	*high = (*high + HUGE_PAGE_BYTES - 1) & ~(HUGE_PAGE_BYTES - 1);
}

static void advise_all(uintptr_t low, uintptr_t high)
{
	for (uintptr_t at = low; at < high; at += PIECE_BYTES) {
		size_t bytes = high - at < PIECE_BYTES ? high - at : PIECE_BYTES;

		madvise((void *)at, bytes, MADV_DONTNEED); /* holes between are left alone */
	}
}

/* Blocks are no smaller than a page here, and their neighbours are kept. */
static void advise_holes(char *const *freed)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	for (size_t i = 0; i < block_count; i++) {
		uintptr_t low = ((uintptr_t)freed[i] + page - 1) & ~(page - 1);
		uintptr_t high = ((uintptr_t)freed[i] + block_bytes) & ~(page - 1);

		if (!blocks[i])
			madvise((void *)low, high - low, MADV_DONTNEED);
	}
}

/* A decay later, so that the processor is as cold as it is for the allocator. */
static void give_back_ourselves(size_t kept_one_in)
{
	char **freed = harness_map(block_count * sizeof(*freed));
	uint64_t before_kib, cpu_ns, began_ns;
	uintptr_t low, high;

	memcpy(freed, blocks, block_count * sizeof(*freed));
	find_bounds(&low, &high);
	began_ns = harness_now_ns();
	free_but_one_in(kept_one_in);
	print("free_ns", harness_now_ns() - began_ns);
	before_kib = process_view_memory().resident_kib;
	sleep_until(harness_now_ns() + (uint64_t)DECAY_MS * NS_PER_MS);
	cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	if (kept_one_in)
		advise_holes(freed);
	else
		advise_all(low, high);
	print("give_back_cpu_ns", clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_ns);
	print("given_kib", before_kib - process_view_memory().resident_kib);
	_exit(EXIT_SUCCESS);
}

static void stop_using(size_t kept_one_in, int seconds)
{
	uint64_t before_kib = process_view_memory().resident_kib;
	uint64_t began_ns, cpu_ns;
	size_t kept;

	print("full_kib", before_kib);
	print("huge_kib", process_view_memory().huge_kib);
	marker.operation = 0;
	began_ns = harness_now_ns();
	kept = free_but_one_in(kept_one_in);
	print("free_ns", harness_now_ns() - began_ns);
	print("live_kib", (kept * block_bytes + block_count * sizeof(*blocks)) / BENCH_KIB);
	cpu_ns = others_cpu_ns();
	watch(harness_now_ns(), seconds);
	print("give_back_cpu_ns", others_cpu_ns() - cpu_ns);
	print("given_kib", before_kib - process_view_memory().resident_kib);
	marker.operation = SYSCALL_MARKER_END;
	print_counters();
}

static void play(const char *scenario)
{
	static const struct {
		const char *name;
		size_t kept_one_in;
		int seconds; /* 0: the program gives back itself */
	} scenarios[] = {
		{ "burst", 0, LAST_SECOND },	   { "survivors", KEPT_ONE_IN, LAST_SECOND },
		{ "cost", 0, LAST_SECOND_OF_COST }, { "holes", 2, LAST_SECOND_OF_COST },
		{ "own", 0, 0 },		   { "own_holes", 2, 0 },
	};

	for (unsigned int i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		if (strcmp(scenario, scenarios[i].name))
			continue;
		settle();
		if (!scenarios[i].seconds)
			give_back_ourselves(scenarios[i].kept_one_in);
		stop_using(scenarios[i].kept_one_in, scenarios[i].seconds);
		return;
	}
	harness_fail("release: no such scenario");
}

int main(int argc, char **argv)
{
	if (argc != 4 && argc != 5)
		harness_fail("usage: release burst|survivors|saw|cost|holes|own|own_holes "
			     "BLOCK_BYTES MIB [USAGE]");
	block_bytes = strtoul(argv[2], NULL, 10);
	block_count = block_bytes ? strtoul(argv[3], NULL, 10) * BENCH_MIB / block_bytes : 0;
	if (!block_count)
		harness_fail("release: a block at least");
	usage_path = argv[4];
	prctl(SYSCALL_MARKER_PRCTL, &marker, 0, 0, 0);
	blocks = harness_map(block_count * sizeof(*blocks));
	memset(blocks, 0, block_count * sizeof(*blocks));
	allocate();
	if (!strcmp(argv[1], "saw"))
		saw();
	else
		play(argv[1]);
	return EXIT_SUCCESS;
}

/* SPDX-License-Identifier: MIT */
/*
 * populate work|burst THREADS MIB [idle] grows a heap by that many MiB in blocks of 64 B
 * to 64 KiB, evenly over the doublings, writes each page of each block, and keeps them.
 * It prints `name value` lines: the time inside malloc + first write, faults, processor
 * time, resident size, and with idle what becomes of it in a process that does nothing.
 * populate warm-up MIB touches and gives back memory, so that the host has it at hand;
 * populate calibrate prints what the first touches of one huge page cost, and of 512 small ones.
 */
#include "bench/harness.h"
#include "bench/histogram.h"
#include "bench/process_view.h"
#include "bench/syscall_marker.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
	MAX_THREADS = 8,
	SEED = 42,
	LOW_BYTES = 64,
	SIZE_DOUBLINGS = 10,
	/* a step of the generator takes about 2 ns: 2 us of work for each page grown */
	WORK_BYTES_A_STEP = 4,
	IDLE_MS = 1000,
};

#define HUGE_BYTES	  (2 * BENCH_MIB)
#define CALIBRATION_BYTES (32 * BENCH_MIB)

/* What is grown before a helper has to be there; all threads together. */
#define PLAIN_BYTES (16 * BENCH_MIB)

struct grower {
	pthread_t thread;
	unsigned int index;
	uint64_t goal_bytes;
	uint64_t plain_bytes;
	bool works;
	uint64_t start_ns;
	uint64_t end_ns;
	uint64_t faults;
	uint64_t late_faults; /* of them, those after the first plain_bytes */
	struct histogram early_times;
	struct histogram late_times;
};

static struct grower growers[MAX_THREADS];
static pid_t own_threads[MAX_THREADS];
static unsigned int grower_count;
static pthread_barrier_t barrier;
static struct syscall_marker marker = { .operation = SYSCALL_MARKER_START };

static void print(const char *name, uint64_t value)
{
	char line[96];
	int length = snprintf(line, sizeof(line), "%s %llu\n", name,
			      (unsigned long long)value);

	if (length < 0 || write(STDOUT_FILENO, line, (size_t)length) != length)
		harness_fail("cannot print the result");
}

static uint64_t thread_faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return (uint64_t)(usage.ru_minflt + usage.ru_majflt);
}

static uint64_t process_cpu_ns(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (uint64_t)used.tv_sec * 1000000000U + (uint64_t)used.tv_nsec;
}

static void sleep_ms(long milliseconds)
{
	struct timespec left = { milliseconds / 1000, milliseconds % 1000 * 1000000 };

	while (nanosleep(&left, &left))
		;
}

/* The same amount under every allocator, and none of it in memory. */
static void work(uint64_t *state, size_t bytes)
{
	for (size_t done = 0; done < bytes; done += WORK_BYTES_A_STEP)
		harness_random(state);
	__asm__ volatile("" : : "r"(*state));
}

static size_t choose_size(uint64_t *state)
{
	size_t base = (size_t)LOW_BYTES << (harness_random(state) % SIZE_DOUBLINGS);

	return base + (size_t)(harness_random(state) % (base + 1));
}

static void allocate(struct histogram *times, size_t bytes)
{
	uint64_t start_ns = harness_now_ns();
	char *block = malloc(bytes);

	if (!block)
		harness_fail("malloc failed");
	harness_touch(block, 0, bytes);
	histogram_add(times, harness_now_ns() - start_ns);
}

static void grow(struct grower *grower)
{
	uint64_t state = SEED + grower->index;
	uint64_t work_state = SEED;
	uint64_t before = thread_faults();
	uint64_t plain_faults = 0;
	uint64_t grown = 0;

	grower->start_ns = harness_now_ns();
	while (grown < grower->goal_bytes) {
		size_t bytes = choose_size(&state);

		allocate(grown < grower->plain_bytes ? &grower->early_times :
						       &grower->late_times,
			 bytes);
		grown += bytes;
		if (!plain_faults && grown >= grower->plain_bytes)
			plain_faults = thread_faults();
		if (grower->works)
			work(&work_state, bytes);
	}
	grower->end_ns = harness_now_ns();
	grower->faults = thread_faults() - before;
	if (plain_faults)
		grower->late_faults = before + grower->faults - plain_faults;
}

/* Says to a tracer that this thread is the program's, not an allocator's. */
static void announce(struct grower *grower)
{
	own_threads[grower->index] = (pid_t)syscall(SYS_gettid);
	prctl(SYSCALL_MARKER_THREAD_PRCTL, 0, 0, 0, 0);
}

static void *run_thread(void *argument)
{
	struct grower *grower = argument;

	announce(grower);
	pthread_barrier_wait(&barrier); /* all are there */
	pthread_barrier_wait(&barrier); /* go */
	grow(grower);
	pthread_barrier_wait(&barrier); /* all have grown */
	pthread_barrier_wait(&barrier); /* all has been looked at */
	return NULL;
}

static void start_threads(bool works, uint64_t bytes)
{
	pthread_barrier_init(&barrier, NULL, grower_count);
	for (unsigned int i = 0; i < grower_count; i++) {
		growers[i] = (struct grower){
			.index = i,
			.works = works,
			.goal_bytes = bytes / grower_count,
			.plain_bytes = PLAIN_BYTES / grower_count,
		};
		/* resident before the start, alike under every allocator */
		memset(&growers[i].early_times, 0, sizeof(struct histogram));
		memset(&growers[i].late_times, 0, sizeof(struct histogram));
		if (i &&
		    pthread_create(&growers[i].thread, NULL, run_thread, &growers[i]))
			harness_fail("cannot start a thread");
	}
	announce(&growers[0]);
	pthread_barrier_wait(&barrier);
}

static void print_counters(const char *when)
{
	static const char *const names[] = {
		"populate.moved_bytes", "populate.copied_bytes", "populate.unarmed_bytes",
		"populate.stock_bytes", "helper.wakeups",
	};
	size_t (*read_counter)(const char *name);
	char label[64];

	*(void **)&read_counter = dlsym(RTLD_DEFAULT, "hak_stats_read");
	if (!read_counter)
		return;
	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(label, sizeof(label), "%s.%s", when, names[i]);
		print(label, read_counter(names[i]));
	}
}

static void print_times(void)
{
	static struct histogram all;
	static struct histogram late;
	uint64_t start_ns = growers[0].start_ns;
	uint64_t end_ns = growers[0].end_ns;
	uint64_t faults = 0;
	uint64_t late_faults = 0;

	for (unsigned int i = 0; i < grower_count; i++) {
		histogram_merge(&all, &growers[i].early_times);
		histogram_merge(&late, &growers[i].late_times);
		faults += growers[i].faults;
		late_faults += growers[i].late_faults;
		if (growers[i].start_ns < start_ns)
			start_ns = growers[i].start_ns;
		if (growers[i].end_ns > end_ns)
			end_ns = growers[i].end_ns;
	}
	print("late_p999_ns", histogram_percentile(&late, 0.999));
	histogram_merge(&all, &late);
	print("operations", all.count);
	print("wall_ns", end_ns - start_ns);
	print("sum_ns", all.sum);
	print("p50_ns", histogram_percentile(&all, 0.5));
	print("p99_ns", histogram_percentile(&all, 0.99));
	print("p999_ns", histogram_percentile(&all, 0.999));
	print("most_ns", all.most);
	print("faults", faults);
	print("late_faults", late_faults);
}

/* One second for the resident size to come down, one more to be idle, one that counts. */
static void stay_idle(void)
{
	struct process_view_others before;
	struct process_view_others after;
	uint64_t cpu_ns;

	sleep_ms(IDLE_MS);
	print("second_later_resident_kib", process_view_memory().resident_kib);
	sleep_ms(IDLE_MS);
	before = process_view_others(own_threads, grower_count);
	cpu_ns = process_cpu_ns();
	sleep_ms(IDLE_MS);
	cpu_ns = process_cpu_ns() - cpu_ns;
	after = process_view_others(own_threads, grower_count);
	print("idle_wakeups", after.switches - before.switches);
	print("idle_cpu_ns", cpu_ns);
}

static void run(bool works, uint64_t bytes, bool idle)
{
	struct process_view_memory memory;
	uint64_t resident_before_kib;
	uint64_t cpu_ns;

	prctl(SYSCALL_MARKER_PRCTL, &marker, 0, 0, 0);
	start_threads(works, bytes);
	resident_before_kib = process_view_memory().resident_kib;
	cpu_ns = process_cpu_ns();
	marker.operation = 0;
	pthread_barrier_wait(&barrier);
	grow(&growers[0]);
	pthread_barrier_wait(&barrier);
	marker.operation = SYSCALL_MARKER_END;
	cpu_ns = process_cpu_ns() - cpu_ns;
	print_counters("grown");
	memory = process_view_memory();
	print("bytes", bytes);
	print("cpu_ns", cpu_ns);
	print("resident_before_kib", resident_before_kib);
	print("resident_kib", memory.resident_kib);
	print("huge_kib", memory.huge_kib);
	print_times();
	print("mappings", process_view_mappings());
	print("descriptors", process_view_descriptors());
	print("other_threads", process_view_others(own_threads, grower_count).threads);
	if (idle)
		stay_idle();
	print_counters("end");
	pthread_barrier_wait(&barrier);
}

static void warm_up(uint64_t bytes)
{
	char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		harness_fail("no memory to warm up with");
	/* huge pages come back whole, and serve who wants small ones as well */
	madvise(memory, bytes, MADV_HUGEPAGE);
	harness_touch(memory, 0, bytes);
}

static int compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

/* The median, for a touch may lose its processor. */
static uint64_t first_touches_ns(char *memory, int advice, size_t step)
{
	uint64_t costs[CALIBRATION_BYTES / HUGE_BYTES];
	size_t count = 0;

	madvise(memory, CALIBRATION_BYTES, advice);
	for (; count < CALIBRATION_BYTES / HUGE_BYTES; count++) {
		uint64_t start_ns = harness_now_ns();

		for (size_t place = 0; place < HUGE_BYTES; place += step)
			*(volatile char *)(memory + count * HUGE_BYTES + place) = 1;
		costs[count] = harness_now_ns() - start_ns;
	}
	qsort(costs, count, sizeof(costs[0]), compare);
	return costs[count / 2];
}

static void calibrate(void)
{
	char *memory = mmap(NULL, 3 * CALIBRATION_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	size_t over = (uintptr_t)memory % HUGE_BYTES;

	if (memory == MAP_FAILED)
		harness_fail("no memory to calibrate with");
	memory += HUGE_BYTES - over;
	print("huge_ns", first_touches_ns(memory, MADV_HUGEPAGE, HUGE_BYTES));
	print("small_ns", first_touches_ns(memory + CALIBRATION_BYTES, MADV_NOHUGEPAGE, 4096));
}

int main(int argc, char **argv)
{
	bool works = argc > 1 && !strcmp(argv[1], "work");
	bool idle = argc == 5 && !strcmp(argv[4], "idle");
	uint64_t mib;

	if (argc == 3 && !strcmp(argv[1], "warm-up")) {
		warm_up(strtoul(argv[2], NULL, 10) * BENCH_MIB);
		return 0;
	}
	if (argc == 2 && !strcmp(argv[1], "calibrate")) {
		calibrate();
		return 0;
	}
	if (argc < 4 || argc != 4 + idle || (!works && strcmp(argv[1], "burst")))
		harness_fail("usage: populate work|burst THREADS MIB [idle]");
	grower_count = (unsigned int)strtoul(argv[2], NULL, 10);
	mib = strtoul(argv[3], NULL, 10);
	if (!grower_count || grower_count > MAX_THREADS || !mib)
		harness_fail("populate: 1 to 8 threads, at least one MiB");
	run(works, mib * BENCH_MIB, idle);
	return 0;
}

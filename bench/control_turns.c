/* SPDX-License-Identifier: MIT */
/*
 * control_turns.c - see control_turns.h.
 *
 *   | question, 50 ms | 50 ms | question, 50 ms | 50 ms | …
 *
 * What is done in a turn differs from the next by a tenth on a quiet machine too, and more the
 * longer turns are: so they are short, and thousands. A turn with a question is compared with
 * its two neighbours; as it is half of the time, ten questions a second cost half of what it
 * has less. What the helper goes on to do afterwards is in turns of both kinds: that is seen in
 * share_ppm[0], beside share_at_rest_ppm.
 */
#include "bench/control_turns.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/harness.h"
#include "bench/process_view.h"

enum {
	QUESTIONS_A_SECOND = 10,
	TURN_NS = 1000000000 / QUESTIONS_A_SECOND / 2,
	SETTLE_MS = 1000,
	REST_MS = 5000,
	LIBRARYS_THREADS = 2,
};

static int spent_by[LIBRARYS_THREADS];	/* files that tell what the threads have used */
static unsigned int found_threads;
static double ratios[CONTROL_TURNS_MOST / 2];

void control_turns_sleep(uint64_t nanoseconds)
{
	struct timespec left = { (time_t)(nanoseconds / 1000000000U),
				 (long)(nanoseconds % 1000000000U) };

	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

static void sleep_until(uint64_t end_ns)
{
	uint64_t now_ns = harness_now_ns();

	if (now_ns < end_ns)
		control_turns_sleep(end_ns - now_ns);
}

/* Of the helper's thread 12: /proc/11/task/12/schedstat. */
static void look_at_thread(pid_t helper, const char *number)
{
	char path[64];

	if (number[0] != '.' && found_threads < LIBRARYS_THREADS) {
		snprintf(path, sizeof(path), "/proc/%d/task/%.12s/schedstat", (int)helper, number);
		spent_by[found_threads++] = open(path, O_RDONLY | O_CLOEXEC);
	}
}

static void find_librarys_threads(void)
{
	pid_t helper = process_view_helper();
	char path[32];
	DIR *folder;
	struct dirent *entry;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)helper);
	folder = opendir(path);
	while (folder && (entry = readdir(folder)) != NULL)
		look_at_thread(helper, entry->d_name);
	if (folder)
		closedir(folder);
	if (found_threads < LIBRARYS_THREADS)
		harness_fail("the library's threads are not there");
}

static uint64_t spent_by_library(void)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < LIBRARYS_THREADS; i++) {
		char text[80] = "";

		if (pread(spent_by[i], text, sizeof(text) - 1, 0) <= 0)
			harness_fail("the kernel does not tell what a thread has used");
		sum += strtoull(text, NULL, 10);
	}
	return sum;
}

static uint64_t share_ppm(uint64_t spent_ns, uint64_t taken_ns)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	return (uint64_t)((double)spent_ns * 1e6 / (double)taken_ns / (double)processors);
}

static uint64_t share_at_rest_ppm(void)
{
	uint64_t start_ns, spent;

	control_turns_sleep(SETTLE_MS * 1000000ULL);
	start_ns = harness_now_ns();
	spent = spent_by_library();
	control_turns_sleep(REST_MS * 1000000ULL);
	return share_ppm(spent_by_library() - spent, harness_now_ns() - start_ns);
}

static int by_ratio(const void *one, const void *other)
{
	double a = *(const double *)one, b = *(const double *)other;

	return (a > b) - (a < b);
}

static void work_out_ratio(struct control_turns *found, unsigned int count)
{
	double reach = 0.98 * sqrt((double)count);
	unsigned int low = (unsigned int)((double)count / 2 - reach), high = count - 1 - low;

	qsort(ratios, count, sizeof(ratios[0]), by_ratio);
	found->ratio_ppm = (uint64_t)((1 + ratios[count / 2]) / 2 * 1e6);
	found->error_ppm = (uint64_t)((ratios[high] - ratios[low]) / 2 * 5e5);
}

struct done {
	uint64_t spent_ns, taken_ns;
};

/* Operations a nanosecond. */
static double take_turn(struct done *done, uint64_t (*operations)(void),
			uint64_t (*ask)(int client), int client)
{
	uint64_t start_ns = harness_now_ns(), before = operations(), spent = spent_by_library();
	uint64_t taken_ns;

	if (ask)
		ask(client);
	sleep_until(start_ns + TURN_NS);
	taken_ns = harness_now_ns() - start_ns;
	done->spent_ns += spent_by_library() - spent;
	done->taken_ns += taken_ns;
	return (double)(operations() - before) / (double)taken_ns;
}

void control_turns_take(struct control_turns *found, unsigned int turns,
			uint64_t (*operations)(void), uint64_t (*ask)(int client), int client)
{
	struct done done[2] = { { 0, 0 }, { 0, 0 } };
	unsigned int count;
	double before;

	find_librarys_threads();
	before = take_turn(&done[0], operations, NULL, client);
	for (count = 0; count < turns / 2; count++) {
		double asked = take_turn(&done[1], operations, ask, client);
		double after = take_turn(&done[0], operations, NULL, client);

		ratios[count] = 2 * asked / (before + after);
		before = after;
	}
	for (int asks = 0; asks < 2; asks++)
		found->share_ppm[asks] = share_ppm(done[asks].spent_ns, done[asks].taken_ns);
	work_out_ratio(found, count);
	found->share_at_rest_ppm = share_at_rest_ppm();
}

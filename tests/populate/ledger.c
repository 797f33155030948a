/* SPDX-License-Identifier: MIT */
/*
 * What the counters say is what happened: bytes populated ahead are either with the program,
 * in stock or given back, and the kernel sees their pages. And a process that needs nothing
 * of this has nothing of it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"
#include "tests/populate/present.h"
#include "tests/populate/refusal.h"
#include "tests/populate/watch.h"

/* Within it no helper is started. */
#define SMALL (8 * MIB)

static void expect_balance(void)
{
	size_t came, went, with, stock;

	wait_for_quiet();
	came = populated_ahead();
	went = counter("populate.dropped_bytes");
	with = counter("populate.ahead_bytes");
	stock = counter("populate.stock_bytes");
	CHECK_THAT(came - went == with + stock,
		   "populated %zu - dropped %zu is not taken %zu + stock %zu (%zd more)",
		   came, went, with, stock, (ssize_t)(came - went - with - stock));
}

static void grow_shrink_and_balance(void)
{
	struct growth growth = { NULL, 4000, 0 };

	for (int i = 0; i < 4; i++) {
		growth_add(&growth, 120 * MIB, i % 2 ? 0 : 300);
		expect_balance();
		if (i == 2) {
			growth_free(&growth);
			malloc_trim(0);
			sleep_ms(700);
		}
	}
	growth_check(&growth);
	CHECK(counter("populate.ahead_bytes") > 4 * MIB);
}

static void the_books_balance_when_quiet(void)
{
	need_helper_possible();
	grow_shrink_and_balance();
}

static void part_balances(void)
{
	need_helper_possible();
	grow_shrink_and_balance();
}

static void the_books_balance_on_every_rung(void)
{
	run_refused(REFUSE_MOVE, false, "part_balances");
	run_refused(REFUSE_USERFAULTFD_EPERM, false, "part_balances");
	run_refused(REFUSE_RING, false, "part_balances");
}

/* Where the blocks lie, widened by what may be in stock around them. */
static size_t heap_present_bytes(const struct growth *growth)
{
	uintptr_t from = UINTPTR_MAX, to = 0, start, end;
	FILE *maps = fopen("/proc/self/maps", "re");
	size_t present = 0;
	char line[512], writable;

	CHECK(maps);
	for (char *block = growth->last; block; memcpy(&block, (void *)block, sizeof(block))) {
		from = (uintptr_t)block < from ? (uintptr_t)block : from;
		to = (uintptr_t)block > to ? (uintptr_t)block : to;
	}
	from &= ~(SUPERSLAB_BYTES - 1);
	to = (to + 256 * MIB) & ~(SUPERSLAB_BYTES - 1);
	while (fgets(line, sizeof(line), maps)) {
		CHECK(sscanf(line, "%lx-%lx r%c", &start, &end, &writable) >= 2);
		if (end <= from || start >= to || !strstr(line, "rw-p"))
			continue;
		present += present_bytes(start > from ? start : from, end < to ? end : to);
	}
	fclose(maps);
	return present;
}

/* What has come, gone and been taken, and is in stock: all of it moves while one looks. */
static size_t all_counters(void)
{
	return populated_ahead() + counter("populate.dropped_bytes") +
	       counter("populate.ahead_bytes") + counter("populate.stock_bytes");
}

static void what_is_in_stock_is_really_populated(void)
{
	struct growth growth = { NULL, 4096, 0 };
	size_t stock = 0, present = 0;
	bool stood_still = false;

	need_helper_possible();
	growth_add(&growth, 200 * MIB, 300);
	/* the stock lasts for half a second behind the growth, and helpers are late at times */
	for (int i = 0; i < 200 && !stood_still; i++) {
		size_t before;

		growth_add(&growth, 2 * MIB, 300);
		sleep_ms(5);
		before = all_counters();
		stock = counter("populate.stock_bytes");
		present = heap_present_bytes(&growth);
		stood_still = stock > 0 && all_counters() == before;
	}
	CHECK_THAT(stood_still, "the stock never stood still: %s", mode());
	CHECK_THAT(present >= growth.blocks * 4096 + stock,
		   "%zu bytes are there, of %zu live + %zu stock", present,
		   growth.blocks * 4096, stock);
}

/* The measure of the case above, measured: every third page of a mapping is written. */
static void the_kernels_two_ways_of_counting_agree(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = 3000;
	char *start = mmap(NULL, pages * page, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uintptr_t from = (uintptr_t)start, to = from + pages * page;

	CHECK(start != MAP_FAILED);
	CHECK(madvise(start, pages * page, MADV_NOHUGEPAGE) == 0 || errno == EINVAL);
	for (size_t i = 0; i < pages; i += 3)
		start[i * page] = 1;
	CHECK(present_bytes(from, to) == pages / 3 * page);
	CHECK(present_bytes_by_entries(from, to) == pages / 3 * page);
}

static void the_stock_is_given_back_when_nobody_grows(void)
{
	struct growth growth = { NULL, 4096, 0 };

	growth_add(&growth, 400 * MIB, 300);
	sleep_ms(1500);
	CHECK_THAT(counter("populate.stock_bytes") == 0, "%zu bytes are still in stock",
		   counter("populate.stock_bytes"));
}

static void an_idle_process_wakes_twice_a_second_at_most(void)
{
	size_t before, wakeups;

	start_helper();
	/* Idle is it when nothing decays any more: caches, slabs, holes. */
	sleep_ms(5000);
	before = counter("helper.wakeups");
	sleep_ms(3000);
	wakeups = counter("helper.wakeups") - before;
	CHECK_THAT(wakeups <= 6, "%zu wake-ups in 3 s", wakeups);
	CHECK_THAT(helper_task(), "there is no helper to wake: %s", mode());
}

/* How often the kernel has woken the helper's threads. */
static size_t sleeps_of_helper(void)
{
	char path[64], text[64];
	struct dirent *entry;
	size_t sum = 0;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)helper_task());
	tasks = opendir(path);
	CHECK_THAT(tasks, "there is no helper to wake: %s", mode());
	while ((entry = readdir(tasks)))
		if (atoi(entry->d_name) &&
		    task_status(atoi(entry->d_name), "voluntary_ctxt_switches", text, sizeof(text)))
			sum += strtoul(text, NULL, 10);
	closedir(tasks);
	return sum;
}

/* Opens a file, allocates ten blocks. */
static void do_a_little(void)
{
	void *blocks[10];

	close(open("/dev/null", O_RDONLY | O_CLOEXEC));
	for (size_t i = 0; i < 10; i++)
		blocks[i] = memset(malloc(100 + i * 50), 1, 100);
	for (size_t i = 0; i < 10; i++)
		free(blocks[i]);
}

static size_t sleeps_in(int seconds, void (*each_second)(void))
{
	size_t before = sleeps_of_helper();

	for (int i = 0; i < seconds; i++) {
		each_second();
		sleep_ms(1000);
	}
	return sleeps_of_helper() - before;
}

static void do_nothing(void)
{
}

/* Where the machine is busy the helper sleeps for other reasons, too: one of three shall do. */
static void a_process_that_does_a_little_wakes_it_twice_a_second_more(void)
{
	enum { SECONDS = 4 };
	size_t idle = 0, busy = SIZE_MAX;

	start_helper();
	sleep_ms(6000);
	for (int tries = 0; tries < 3 && busy > idle + 2 * SECONDS; tries++) {
		idle = sleeps_in(SECONDS, do_nothing);
		busy = sleeps_in(SECONDS, do_a_little);
	}
	CHECK_THAT(busy <= idle + 2 * SECONDS, "%zu times in %d s, idle %zu", busy, SECONDS, idle);
}

static size_t entries_of(const char *folder)
{
	DIR *entries = opendir(folder);
	size_t count = 0;

	CHECK(entries);
	while (readdir(entries))
		count++;
	closedir(entries);
	return count;
}

static void a_small_process_has_no_helper_and_no_descriptor(void)
{
	struct growth growth = { NULL, 500, 0 }, held = { NULL, 500, 0 };
	size_t descriptors = entries_of("/proc/self/fd");

	/* Less than 4 MiB are let go of. */
	growth_add(&held, SMALL - 4 * MIB, 0);
	for (int i = 0; i < 5; i++) {
		growth_add(&growth, 3 * MIB, 0);
		growth_free(&growth);
	}
	sleep_ms(100);
	CHECK_THAT(!helper_task(), "it has a helper");
	CHECK_THAT(entries_of("/proc/self/fd") == descriptors, "it has other descriptors");
	CHECK_THAT(strstr(mode(), "no helper yet"), "%s", mode());
	CHECK(counter("helper.wakeups") == 0);
	/* the measure measures: a larger one has a helper, and still one thread */
	start_helper();
	CHECK(helper_task());
	CHECK_THAT(entries_of("/proc/self/task") == 3, "it has more than one thread");
	CHECK_THAT(entries_of("/proc/self/fd") == descriptors, "it has other descriptors");
}

static void none_is_started_when_told_so(void)
{
	struct growth growth = { NULL, 4000, 0 };

	growth_add(&growth, 300 * MIB, 0);
	sleep_ms(100);
	CHECK_THAT(!helper_task(), "it has a helper");
	CHECK(populated_ahead() == 0 && counter("helper.wakeups") == 0);
	CHECK_THAT(!strcmp(mode(), "no helper: helpers:never"), "%s", mode());
}

static const struct contract_case cases[] = {
	CASE_WITH(the_books_balance_when_quiet, "helpers:always"),
	CASE_WITH(the_books_balance_on_every_rung, "helpers:never"),
	CASE_WITH(what_is_in_stock_is_really_populated, "helpers:always"),
	CASE_WITH(the_kernels_two_ways_of_counting_agree, "helpers:never"),
	CASE_WITH(the_stock_is_given_back_when_nobody_grows, "helpers:always"),
	CASE_WITH(an_idle_process_wakes_twice_a_second_at_most, "helpers:always"),
	CASE_WITH(a_process_that_does_a_little_wakes_it_twice_a_second_more, "helpers:always"),
	CASE_WITH(a_small_process_has_no_helper_and_no_descriptor, "helpers:auto"),
	CASE_WITH(none_is_started_when_told_so, "helpers:never"),
	CASE_PART(part_balances),
};

CONTRACT_MAIN(cases)

/* SPDX-License-Identifier: MIT */
/*
 * The tripwire: memory that was given back and released is armed again, and a touch of it
 * through a stale pointer is reported, aborts, or reads zeroes in silence; whatever was
 * written that way is never handed out.
 */
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"
#include "tests/populate/watch.h"

enum { BLOCK = 112, STALE_ROOM = 4096, TOUCHES = 40 };

static char *stale[STALE_ROOM];
static size_t stale_count;
static size_t strays_before;

static bool a_stray_was_seen(void)
{
	return counter("populate.strays") > strays_before;
}

/* 200 MiB of small blocks, freed and trimmed; keeps the address of some. */
static void give_back(void)
{
	struct growth growth = { NULL, BLOCK, 0 };
	size_t step;
	char *block;

	growth_add(&growth, 200 * MIB, 200);
	step = growth.blocks / STALE_ROOM + 1;
	block = growth.last;
	for (size_t i = 0; block; i++) {
		if (i % step == 0)
			stale[stale_count++] = block;
		memcpy(&block, (void *)block, sizeof(block));
	}
	growth_free(&growth);
	malloc_trim(0);
	if (strncmp(mode(), "uffd+", 5))
		contract_skip("no tripwire here: %s", mode());
	/* one sleep of an idle helper, and some */
	sleep_ms(1500);
}

/* Most of what was given back is armed; which part is the library's affair. */
static char *touch_until_seen(bool write)
{
	strays_before = counter("populate.strays");
	for (size_t i = 0; i < stale_count; i++) {
		char value = *(volatile char *)stale[i];

		CHECK_THAT(value == 0, "free memory at %p holds %d", (void *)stale[i],
			   value);
		if (a_stray_was_seen())
			return stale[i];
		if (write)
			*(volatile char *)stale[i] = 'x';
	}
	CHECK_THAT(false, "no stray access was seen: %zu touches", stale_count);
	return NULL;
}

static void part_strays(void)
{
	char *place;

	give_back();
	place = touch_until_seen(false);
	dprintf(1, "%p %d\n", (void *)place, (int)gettid());
	sleep_ms(100);
}

static void part_strays_into_the_past(void)
{
	give_back();
	touch_until_seen(false);
	sleep_ms(300);
	dprintf(1, "lives\n");
}

static void expect_report(const struct child *child)
{
	char expected[256];
	void *place;
	int thread;

	CHECK_THAT(sscanf(child->output, "%p %d", &place, &thread) == 2, "output: %s",
		   child->output);
	snprintf(expected, sizeof(expected),
		 "hakmem: stray read of %p by thread %d: free memory, last of size class "
		 "%d\n",
		 place, thread, BLOCK);
	CHECK_THAT(!strcmp(child->errors, expected), "said:\n%sexpected:\n%s",
		   child->errors, expected);
}

static void run_part(struct child *child, const char *part, const char *options)
{
	const char *changes[] = { options, NULL };

	child_run_case(child, part, NULL, changes);
	if (WIFEXITED(child->status) && WEXITSTATUS(child->status) == CONTRACT_SKIPPED)
		contract_skip("%s", child->output);
}

static void a_stray_read_is_reported_and_reads_zero(void)
{
	static struct child child;

	run_part(&child, "part_strays", "HAKMEM_OPTIONS=helpers:auto,on_stray_access:report");
	CHECK_THAT(child_succeeded(&child), "status %#x: %s", (unsigned int)child.status,
		   child.errors);
	expect_report(&child);
}

static void a_stray_read_aborts_when_asked_to(void)
{
	static struct child child;

	run_part(&child, "part_strays_into_the_past",
		 "HAKMEM_OPTIONS=helpers:auto,on_stray_access:abort");
	CHECK_THAT(WIFSIGNALED(child.status) && WTERMSIG(child.status) == SIGABRT,
		   "status %#x, said: %s%s", (unsigned int)child.status, child.output,
		   child.errors);
	CHECK_THAT(strstr(child.errors, "hakmem: stray read of 0x"), "said: %s",
		   child.errors);
}

static void a_stray_read_says_nothing_when_told_so(void)
{
	static struct child child;

	run_part(&child, "part_strays", "HAKMEM_OPTIONS=helpers:auto,on_stray_access:off");
	CHECK_THAT(child_succeeded(&child) && !child.errors[0], "status %#x, said: %s",
		   (unsigned int)child.status, child.errors);
}

static void what_a_stray_wrote_is_never_handed_out(void)
{
	struct { void *last; } list = { NULL };

	give_back();
	strays_before = counter("populate.strays");
	for (size_t i = 0; i < stale_count; i += STALE_ROOM / TOUCHES)
		*(volatile char *)stale[i] = 'x';
	for (size_t i = 0; i < stale_count; i += STALE_ROOM / TOUCHES)
		stale[i][1] = 'y';
	if (!a_stray_was_seen())
		CHECK_THAT(false, "nothing was armed");
	for (size_t done = 0; done < 400 * MIB; done += 2000) {
		char *block = hidden(calloc(1, 2000));

		CHECK(block);
		CHECK_THAT(all_zero(block, 2000), "calloc at %p is not zero",
			   (void *)block);
		memcpy(block, &list.last, sizeof(void *));
		list.last = block;
		if (done % MIB < 2000)
			usleep(300);
	}
}

static void *stray_alone(void *place)
{
	return (void *)(uintptr_t)(unsigned char)*(volatile char *)place;
}

static void many_threads_may_stray_at_once(void)
{
	pthread_t threads[32];
	size_t step;

	give_back();
	step = stale_count / 32;
	strays_before = counter("populate.strays");
	for (size_t i = 0; i < 32; i++)
		start_thread(&threads[i], NULL, stray_alone, stale[i * step]);
	for (size_t i = 0; i < 32; i++)
		CHECK(!pthread_join(threads[i], NULL));
	CHECK(a_stray_was_seen());
}

static const struct contract_case cases[] = {
	CASE_WITH(a_stray_read_is_reported_and_reads_zero, "helpers:never"),
	CASE_WITH(a_stray_read_aborts_when_asked_to, "helpers:never"),
	CASE_WITH(a_stray_read_says_nothing_when_told_so, "helpers:never"),
	CASE_WITH(what_a_stray_wrote_is_never_handed_out, "helpers:auto,on_stray_access:off"),
	CASE_WITH(many_threads_may_stray_at_once, "helpers:auto,on_stray_access:off"),
	CASE_PART(part_strays),
	CASE_PART(part_strays_into_the_past),
};

CONTRACT_MAIN(cases)

/* SPDX-License-Identifier: MIT */
/*
 * The heap after main: in exit handlers, destructors and quick_exit, and in threads that
 * go on while the process ends. The process must end with its own status.
 */
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"

enum { STATUS = 23, BLOCK = 5000 };

static char *of_main;
static bool in_destructor;

static void use_heap(void)
{
	static const size_t sizes[] = { 10, 1000, 5000, 8191, 100000, 3000000 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		char *block = malloc(sizes[i]);

		CHECK(block);
		pattern_write(block, sizes[i], i);
		block = realloc(block, sizes[i] * 2);
		CHECK(block && pattern_holds(block, sizes[i], i));
		free(block);
	}
}

static void say(const char *word)
{
	use_heap();
	CHECK(write(1, word, strlen(word)) == (ssize_t)strlen(word));
}

static void in_handler(void)
{
	CHECK(pattern_holds(of_main, BLOCK, 1));
	of_main = realloc(of_main, 2 * BLOCK);
	CHECK(of_main && pattern_holds(of_main, BLOCK, 1));
	say("handler ");
}

__attribute__((destructor))
static void late_destructor(void)
{
	if (!in_destructor)
		return;
	CHECK(pattern_holds(of_main, BLOCK, 1));
	free(of_main);
	say("destructor");
}

static void take_block_of_main(void)
{
	of_main = malloc(BLOCK);
	CHECK(of_main);
	pattern_write(of_main, BLOCK, 1);
}

static void part_exit(void)
{
	take_block_of_main();
	in_destructor = true;
	CHECK(!atexit(in_handler));
	exit(STATUS);
}

static void part_quick_exit(void)
{
	take_block_of_main();
	CHECK(!at_quick_exit(in_handler));
	quick_exit(STATUS);
}

static void *use_heap_forever(void *unused)
{
	for (;;)
		use_heap();
	return unused;
}

static void part_exit_with_threads(void)
{
	pthread_t thread;

	take_block_of_main();
	in_destructor = true;
	CHECK(!atexit(in_handler));
	for (size_t i = 0; i < 4; i++)
		start_thread(&thread, NULL, use_heap_forever, NULL);
	use_heap();
	exit(STATUS);
}

/* The process goes on in a thread when main has gone. */
static void *end_process(void *main_thread)
{
	pthread_join(*(pthread_t *)main_thread, NULL);
	use_heap();
	CHECK(pattern_holds(of_main, BLOCK, 1));
	free(of_main);
	exit(STATUS);
}

static void part_exit_of_main_thread_only(void)
{
	static pthread_t self;
	pthread_t thread;

	take_block_of_main();
	self = pthread_self();
	start_thread(&thread, NULL, end_process, &self);
	pthread_exit(NULL);
}

static void expect_end(const char *part, const char *output)
{
	static struct child child;

	child_run_case(&child, part, NULL, NULL);
	CHECK_THAT(WIFEXITED(child.status) && WEXITSTATUS(child.status) == STATUS,
		   "%s: wait status %x; %s", part, (unsigned int)child.status,
		   child.errors);
	CHECK_THAT(!strcmp(child.output, output), "%s said: %s", part, child.output);
	CHECK_THAT(!*child.errors, "%s: %s", part, child.errors);
}

static void handlers_and_destructors_may_use_the_heap(void)
{
	expect_end("part_exit", "handler destructor");
}

static void handlers_of_quick_exit_may_use_the_heap(void)
{
	expect_end("part_quick_exit", "handler ");
}

static void a_process_may_end_while_threads_allocate(void)
{
	struct rounds rounds = { .most = 100 };

	need_threads();
	while (next_round(&rounds))
		expect_end("part_exit_with_threads", "handler destructor");
}

static void a_process_may_outlive_its_main_thread(void)
{
	struct rounds rounds = { .most = 20 };

	need_threads();
	while (next_round(&rounds))
		expect_end("part_exit_of_main_thread_only", "");
}

static const struct contract_case cases[] = {
	CASE(handlers_and_destructors_may_use_the_heap),
	CASE(handlers_of_quick_exit_may_use_the_heap),
	CASE(a_process_may_end_while_threads_allocate),
	CASE(a_process_may_outlive_its_main_thread),
	CASE_PART(part_exit),
	CASE_PART(part_quick_exit),
	CASE_PART(part_exit_with_threads),
	CASE_PART(part_exit_of_main_thread_only),
};

CONTRACT_MAIN(cases)

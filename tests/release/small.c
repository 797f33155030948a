/* SPDX-License-Identifier: MIT */
/*
 * Does a process that never was large give back what it has let go of? And what its parent made,
 * does a child leave alone?
 */
#include <stdlib.h>
#include <unistd.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"
#include "tests/populate/watch.h"

enum { PATIENCE_MS = 20000, CHILD_LIMIT_S = 40 };

static size_t goal_bytes;

static bool is_small(void)
{
	return resident_bytes() <= goal_bytes;
}

static bool has_helper(void)
{
	return helper_task() != 0;
}

/* As a sort does: a few large blocks, or thousands of small ones. */
static void let_go(size_t bytes, size_t block_bytes)
{
	struct growth growth = { NULL, block_bytes, 0 };

	goal_bytes = resident_bytes() + 2 * MIB;
	growth_add(&growth, bytes, 0);
	CHECK(resident_bytes() > goal_bytes);
	growth_free(&growth);
}

static void expect_small(void)
{
	bool went = wait_for(is_small, PATIENCE_MS);

	if (!went && !helper_task())
		need_helper_allowed();
	CHECK_THAT(went, "%zu KiB are resident, more than %zu: %s", resident_bytes() / KIB,
		   goal_bytes / KIB, mode());
}

static void small_blocks_that_were_let_go_of_go_back(void)
{
	let_go(7 * MIB, 1000);
	expect_small();
}

static void large_blocks_that_were_let_go_of_go_back(void)
{
	let_go(8 * MIB, 3 * MIB);
	expect_small();
}

static void a_child_gives_back_what_it_has_let_go_of(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		alarm(CHILD_LIMIT_S);
		let_go(7 * MIB, 1000);
		expect_small();
		_exit(0);
	}
	expect_success(pid);
}

static void a_child_that_frees_what_it_inherited_starts_no_helper(void)
{
	struct growth growth = { NULL, 1000, 0 };
	pid_t pid;

	growth_add(&growth, 10 * MIB, 0);
	CHECK(!helper_task());
	pid = fork();
	if (pid == 0) {
		alarm(CHILD_LIMIT_S);
		growth_free(&growth);
		free(malloc(100));
		CHECK(!wait_for(has_helper, 200));
		_exit(0);
	}
	expect_success(pid);
	growth_free(&growth);
}

static void always_means_children_too(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		bool started;

		alarm(CHILD_LIMIT_S);
		for (size_t i = 0; i < 64; i++)
			free(malloc(i * 500));
		started = wait_for(has_helper, PATIENCE_MS);
		if (!started)
			need_helper_allowed();
		CHECK_THAT(started, "none: %s", mode());
		_exit(0);
	}
	expect_success(pid);
}

static const struct contract_case cases[] = {
	CASE_WITH(small_blocks_that_were_let_go_of_go_back, "helpers:auto,decay_ms:100"),
	CASE_WITH(large_blocks_that_were_let_go_of_go_back, "helpers:auto,decay_ms:100"),
	CASE_WITH(a_child_gives_back_what_it_has_let_go_of, "helpers:auto,decay_ms:100"),
	CASE_WITH(a_child_that_frees_what_it_inherited_starts_no_helper, "helpers:auto"),
	CASE_WITH(always_means_children_too, "helpers:always"),
};

CONTRACT_MAIN(cases)

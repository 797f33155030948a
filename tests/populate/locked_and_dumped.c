/* SPDX-License-Identifier: MIT */
/*
 * mlockall before and after the helper has begun, and core dumps: locked memory is
 * populated some other way or not at all, and a dump holds what is in use and no more.
 */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"
#include "tests/populate/refusal.h"
#include "tests/populate/watch.h"

/* Growth, shrinkage, trimming and zeroes, with everything locked. */
static void use_locked_heap(void)
{
	struct growth growth = { NULL, 4000, 0 };

	for (int i = 0; i < 3; i++) {
		growth_add(&growth, 100 * MIB, 300);
		growth_check(&growth);
		growth_free(&growth);
		malloc_trim(0);
		sleep_ms(700);
	}
	for (size_t done = 0; done < 100 * MIB; done += 5000) {
		char *block = hidden(calloc(1, 5000));

		CHECK_THAT(block && all_zero(block, 5000), "calloc is not zero");
		memset(block, 'x', 5000);
		memcpy(block, &growth.last, sizeof(void *));
		growth.last = block;
	}
	growth_free(&growth);
}

static void lock(int flags)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

	setrlimit(RLIMIT_MEMLOCK, &all);
	if (mlockall(flags))
		CHECK_THAT(errno == ENOMEM || errno == EPERM || errno == EAGAIN,
			   "mlockall: %s", strerror(errno));
	else
		need_lockable_memory();
}

static void a_locked_heap_grows_and_shrinks(void)
{
	start_helper();
	lock(MCL_CURRENT | MCL_FUTURE);
	use_locked_heap();
}

static void a_heap_locked_from_the_start_grows_and_shrinks(void)
{
	lock(MCL_CURRENT | MCL_FUTURE);
	use_locked_heap();
}

static void what_is_locked_now_may_be_moved_into_later(void)
{
	struct growth growth = { NULL, 4000, 0 };

	start_helper();
	growth_add(&growth, 60 * MIB, 300);
	lock(MCL_CURRENT);
	use_locked_heap();
	CHECK(!munlockall());
	growth_check(&growth);
	start_helper();
}

static void a_small_limit_on_locked_memory_is_survived(void)
{
	struct rlimit few = { 8 * MIB, 8 * MIB };
	struct growth growth = { NULL, 4000, 0 };

	start_helper();
	CHECK(!setrlimit(RLIMIT_MEMLOCK, &few));
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		CHECK(errno == ENOMEM || errno == EPERM || errno == EAGAIN);
	growth_add(&growth, 30 * MIB, 300);
	growth_check(&growth);
}

static void part_locked_on_a_rung(void)
{
	start_helper();
	lock(MCL_CURRENT | MCL_FUTURE);
	use_locked_heap();
}

static void a_locked_heap_is_used_on_every_rung(void)
{
	run_refused(REFUSE_MOVE, false, "part_locked_on_a_rung");
	run_refused(REFUSE_USERFAULTFD_EPERM, false, "part_locked_on_a_rung");
	run_refused(REFUSE_RING, false, "part_locked_on_a_rung");
}

/* Says what it has in use, and dumps core into the current folder. */
static void part_dumps_core(void)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	struct growth growth = { NULL, 4000, 0 };

	start_helper();
	growth_add(&growth, 100 * MIB, 300);
	growth_check(&growth);
	CHECK(!setrlimit(RLIMIT_CORE, &all) && !prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
	dprintf(1, "%zu %p\n", growth.blocks * 4000, growth.last);
	/* What a shell starts in the background ignores it. */
	signal(SIGQUIT, SIG_DFL);
	kill(getpid(), SIGQUIT);
	sleep_ms(10000);
}

static void require_plain_cores(void)
{
	char pattern[256] = "";
	FILE *file = fopen("/proc/sys/kernel/core_pattern", "re");
	struct rlimit limit;

	if (!file || !fgets(pattern, sizeof(pattern), file) || strncmp(pattern, "core", 4))
		contract_skip("cores do not land in the current folder: %s", pattern);
	fclose(file);
	CHECK(!getrlimit(RLIMIT_CORE, &limit));
	if (limit.rlim_max != RLIM_INFINITY)
		contract_skip("the hard limit forbids cores");
}

/* core or core.PID, removed at once; its blocks in bytes, 0 if there is none. */
static size_t weigh_core(void)
{
	struct stat status = { 0 };
	char name[] = "core";

	if (stat(name, &status))
		return 0;
	unlink(name);
	return (size_t)status.st_blocks * 512;
}

static void a_core_dump_holds_what_is_in_use_and_no_more(void)
{
	char folder[] = "/tmp/hakmem-core-XXXXXX", self[4096];
	static struct child child;
	size_t in_use = 0, core;
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const char *argv[] = { self, "part_dumps_core", NULL };

	need_helper_possible();
	require_plain_cores();
	CHECK(length > 0);
	self[length] = '\0';
	CHECK(mkdtemp(folder) && !chdir(folder));
	child_run(&child, argv, NULL);
	core = weigh_core();
	CHECK(!chdir("/") && !rmdir(folder));
	CHECK_THAT(WIFSIGNALED(child.status), "status %#x: %s",
		   (unsigned int)child.status, child.errors);
	if (!WCOREDUMP(child.status) || !core)
		contract_skip("this kernel wrote no core");
	in_use = strtoul(child.output, NULL, 10);
	CHECK_THAT(core >= in_use, "the core has %zu bytes of %zu", core, in_use);
	/* what start_helper took before, the stock, libraries and records */
	CHECK_THAT(core <= in_use + in_use / 4 + 64 * MIB,
		   "the core takes %zu bytes, and %zu are in use", core, in_use);
}

static const struct contract_case cases[] = {
	CASE_WITH(a_locked_heap_grows_and_shrinks, "helpers:always"),
	CASE_WITH(a_heap_locked_from_the_start_grows_and_shrinks, "helpers:auto"),
	CASE_WITH(what_is_locked_now_may_be_moved_into_later, "helpers:always"),
	CASE_WITH(a_small_limit_on_locked_memory_is_survived, "helpers:always"),
	CASE_WITH(a_locked_heap_is_used_on_every_rung, "helpers:never"),
	CASE_WITH(a_core_dump_holds_what_is_in_use_and_no_more, "helpers:always"),
	CASE_PART(part_locked_on_a_rung),
	CASE_PART(part_dumps_core),
};

CONTRACT_MAIN(cases)

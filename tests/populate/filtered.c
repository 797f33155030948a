/* SPDX-License-Identifier: MIT */
/*
 * Programs that are started under a seccomp filter, as every container's is: the helper asks
 * which calls it may make, by a task that may be lost, and works with those.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"
#include "tests/populate/watch.h"
#include "tests/refused/filter.h"

enum { BURST_MIB = 512, SLACK_MIB = 16, GIVEN_BACK_MS = 5000 };

static size_t most_bytes;

static bool has_given_back(void)
{
	free(malloc(100));
	return resident_bytes() <= most_bytes;
}

/* Under the filter: a child is no child of the program's, and no signal comes. */
static void part_bursts(void)
{
	struct growth growth = { NULL, 1000, 0 };

	most_bytes = resident_bytes() + SLACK_MIB * MIB;
	growth_add(&growth, BURST_MIB * MIB, 0);
	growth_check(&growth);
	growth_free(&growth);
	CHECK(waitpid(-1, NULL, WNOHANG) < 0);
	CHECK_THAT(wait_for(has_given_back, GIVEN_BACK_MS), "%zu MiB stay: %s",
		   resident_bytes() / MIB, mode());
	CHECK_THAT(!strstr(mode(), "no helper"), "hak_mode: %s", mode());
}

static void burst_under(const char *words)
{
	static const char *const changes[] = { "HAKMEM_OPTIONS=helpers:auto", NULL };
	static struct filter filter;
	static struct child child;
	char text[200], *word, *rest = text;
	pid_t pid;

	need_helper_possible();
	strcpy(text, words);
	pid = fork();
	if (pid == 0) {
		while ((word = strsep(&rest, " ")))
			CHECK_THAT(filter_add(&filter, word), "%s", word);
		if (!filter_install(&filter))
			_exit(0);
		child_run_case(&child, "part_bursts", NULL, changes);
		CHECK_THAT(!WIFSIGNALED(child.status), "killed by signal %d",
			   WTERMSIG(child.status));
		CHECK_THAT(child_succeeded(&child), "%s%s", child.output, child.errors);
		_exit(0);
	}
	expect_success(pid);
}

static void a_filter_that_refuses_nothing_of_ours_changes_nothing(void)
{
	burst_under("memfd");
}

static void memory_goes_back_under_dockers_profile(void)
{
	burst_under("docker");
}

static void what_a_filter_kills_for_is_not_called(void)
{
	burst_under("userfaultfd=kill io_uring=kill process_madvise=kill mbind=kill "
		    "membarrier=kill sockets=kill affinity=kill");
}

static void a_filter_may_kill_for_a_descriptor_table_of_its_own(void)
{
	burst_under("descriptors=kill");
}

static const struct contract_case cases[] = {
	CASE_WITH(a_filter_that_refuses_nothing_of_ours_changes_nothing, "helpers:never"),
	CASE_WITH(memory_goes_back_under_dockers_profile, "helpers:never"),
	CASE_WITH(what_a_filter_kills_for_is_not_called, "helpers:never"),
	CASE_WITH(a_filter_may_kill_for_a_descriptor_table_of_its_own, "helpers:never"),
	CASE_PART(part_bursts),
};

CONTRACT_MAIN(cases)

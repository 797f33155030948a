/* SPDX-License-Identifier: MIT */
/*
 * Programs that are started under a seccomp filter, as every container's is: the helper asks
 * which calls it may make, by a task that may be lost, and works with those.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"
#include "tests/populate/watch.h"
#include "tests/refused/filter.h"

enum { BURST_MIB = 512, SLACK_MIB = 16, GIVEN_BACK_MS = 5000, FILTERING = 4 };

static size_t most_bytes;

static bool has_given_back(void)
{
	free(malloc(100));
	return resident_bytes() <= most_bytes;
}

static bool set_filter(const char *words)
{
	static struct filter filter;
	static char text[200];
	char *word, *rest = strcpy(text, words);

	while ((word = strsep(&rest, " ")))
		CHECK_THAT(filter_add(&filter, word), "%s", word);
	return filter_install(&filter);
}

/*
 * Under the filter, or behind its own: a child is no child of the program's, and no signal comes.
 */
static void part_bursts(void)
{
	struct growth growth = { NULL, 1000, 0 };

	if (contract_argument() && !set_filter(contract_argument()))
		contract_skip("seccomp filters are refused here");
	most_bytes = resident_bytes() + SLACK_MIB * MIB;
	growth_add(&growth, BURST_MIB * MIB, 0);
	growth_check(&growth);
	growth_free(&growth);
	CHECK(waitpid(-1, NULL, WNOHANG) < 0);
	CHECK_THAT(wait_for(has_given_back, GIVEN_BACK_MS), "%zu MiB stay: %s",
		   resident_bytes() / MIB, mode());
	CHECK_THAT(!strstr(mode(), "no helper"), "hak_mode: %s", mode());
}

/* That lets everything through. */
static void *set_open_filter(void *barrier)
{
	struct sock_filter all = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog filter = { 1, &all };

	pthread_barrier_wait(barrier);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter))
		contract_skip("seccomp filters are refused here");
	return NULL;
}

/* None of them forgets what another has begun. */
static void part_threads_set_filters_at_once(void)
{
	pthread_t threads[FILTERING];
	pthread_barrier_t barrier;

	CHECK(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	CHECK(!pthread_barrier_init(&barrier, NULL, FILTERING));
	for (int round = 0; round < 100; round++) {
		for (int i = 0; i < FILTERING; i++)
			start_thread(&threads[i], NULL, set_open_filter, &barrier);
		for (int i = 0; i < FILTERING; i++)
			CHECK(!pthread_join(threads[i], NULL));
	}
	part_bursts();
}

static void expect_part(const char *part, const char *own_filter)
{
	static const char *const changes[] = { "HAKMEM_OPTIONS=helpers:auto", NULL };
	static struct child child;

	child_run_case(&child, part, own_filter, changes);
	CHECK_THAT(!WIFSIGNALED(child.status), "killed by signal %d", WTERMSIG(child.status));
	CHECK_THAT(child_succeeded(&child), "%s%s", child.output, child.errors);
}

static void expect_burst(const char *own_filter)
{
	expect_part("part_bursts", own_filter);
}

static void burst_under(const char *words)
{
	pid_t pid;

	need_helper_possible();
	pid = fork();
	if (pid == 0) {
		if (set_filter(words))
			expect_burst(NULL);
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

static void a_filter_may_kill_for_clone3(void)
{
	burst_under("clone3=kill");
}

/* Its first child is the namespace's init, which none of ours may be: it would end with that. */
static void part_begins_a_namespace(void)
{
	struct growth growth = { NULL, 1000, 0 };
	pid_t init, second;

	if (!set_filter("memfd"))
		contract_skip("seccomp filters are refused here");
	if (unshare(CLONE_NEWUSER | CLONE_NEWPID))
		contract_skip("no PID namespace can be made here");
	growth_add(&growth, 64 * MIB, 0);
	init = fork();
	if (init == 0)
		_exit(getpid() == 1 ? pause() : 1);
	second = fork();
	if (second == 0)
		_exit(getpid() != 2);
	CHECK_THAT(init > 0 && second > 0, "fork: %d", errno);
	expect_success(second);
	kill(init, SIGKILL);
	waitpid(init, NULL, 0);
	growth_free(&growth);
}

static void a_filtered_program_may_begin_a_pid_namespace(void)
{
	static const char *const changes[] = { "HAKMEM_OPTIONS=helpers:auto", NULL };
	static struct child child;

	child_run_case(&child, "part_begins_a_namespace", NULL, changes);
	CHECK_THAT(child_succeeded(&child), "%s%s", child.output, child.errors);
}

static void a_program_may_set_a_filter_before_its_heap_grows(void)
{
	need_helper_possible();
	expect_burst("docker userfaultfd=kill process_madvise=kill membarrier=kill affinity=kill");
}

static void threads_may_set_filters_at_once(void)
{
	need_helper_possible();
	expect_part("part_threads_set_filters_at_once", NULL);
}

/* What it kills for is not called by threads of the program; the helper has no such filter. */
static void part_confines_itself_late(void)
{
	struct growth growth = { NULL, 1000, 0 };

	start_helper();
	most_bytes = resident_bytes() + SLACK_MIB * MIB;
	if (!set_filter("madvise=kill membarrier=kill mremap=kill affinity=kill"))
		contract_skip("seccomp filters are refused here");
	growth_add(&growth, BURST_MIB * MIB, 0);
	growth_free(&growth);
	malloc_trim(0);
	free(realloc(malloc(64 * MIB), 256 * MIB));
	CHECK_THAT(wait_for(has_given_back, GIVEN_BACK_MS), "%zu MiB stay: %s",
		   resident_bytes() / MIB, mode());
}

static void a_program_may_set_a_filter_that_kills_behind_the_helpers_back(void)
{
	static const char *const changes[] = { "HAKMEM_OPTIONS=helpers:auto", NULL };
	static struct child child;

	need_helper_possible();
	child_run_case(&child, "part_confines_itself_late", NULL, changes);
	CHECK_THAT(!WIFSIGNALED(child.status), "killed by signal %d", WTERMSIG(child.status));
	CHECK_THAT(child_succeeded(&child), "%s%s", child.output, child.errors);
}

static bool has_answered(void)
{
	free(malloc(100));
	return helper_task() || strstr(mode(), "refused");
}

static void part_says_whether_it_has_a_helper(void)
{
	struct growth growth = { NULL, 1000, 0 };

	growth_add(&growth, 64 * MIB, 0);
	wait_for(has_answered, GIVEN_BACK_MS);
	dprintf(1, "%s", helper_task() ? "yes" : mode());
}

/* Under a filter that lets no other be set. */
static void expect_of_unconfined(const char *options, const char *answer)
{
	const char *const changes[] = { options, NULL };
	static struct child child;

	child_run_case(&child, "part_says_whether_it_has_a_helper", NULL, changes);
	CHECK_THAT(child_succeeded(&child) && strstr(child.output, answer), "%s: %s%s", options,
		   child.output, child.errors);
}

static void a_hardened_program_has_no_helper_that_cannot_confine_itself(void)
{
	need_helper_possible();
	if (!set_filter("seccomp"))
		contract_skip("seccomp filters are refused here");
	expect_of_unconfined("HAKMEM_OPTIONS=helpers:always", "yes");
	expect_of_unconfined("HAKMEM_OPTIONS=helpers:always,hardened:true",
			     "seccomp filter of its own");
}

static const struct contract_case cases[] = {
	CASE_PART(part_says_whether_it_has_a_helper),
	CASE_WITH(a_hardened_program_has_no_helper_that_cannot_confine_itself, "helpers:never"),
	CASE_WITH(a_program_may_set_a_filter_before_its_heap_grows, "helpers:never"),
	CASE_WITH(a_program_may_set_a_filter_that_kills_behind_the_helpers_back, "helpers:never"),
	CASE_PART(part_confines_itself_late),
	CASE_WITH(a_filter_that_refuses_nothing_of_ours_changes_nothing, "helpers:never"),
	CASE_WITH(memory_goes_back_under_dockers_profile, "helpers:never"),
	CASE_WITH(what_a_filter_kills_for_is_not_called, "helpers:never"),
	CASE_WITH(a_filter_may_kill_for_a_descriptor_table_of_its_own, "helpers:never"),
	CASE_WITH(a_filter_may_kill_for_clone3, "helpers:never"),
	CASE_WITH(a_filtered_program_may_begin_a_pid_namespace, "helpers:never"),
	CASE_PART(part_begins_a_namespace),
	CASE_PART(part_bursts),
	CASE_WITH(threads_may_set_filters_at_once, "helpers:never"),
	CASE_PART(part_threads_set_filters_at_once),
};

CONTRACT_MAIN(cases)

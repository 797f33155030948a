/* SPDX-License-Identifier: MIT */
/*
 * A program that sandboxes itself before its heap grows, with a filter that kills: it lives,
 * without a helper, and the reason can be read. The filter lets through what glibc's own
 * malloc calls, writing and the end, and nothing else.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"
#include "tests/populate/watch.h"

/*
 * sysmalloc and arenas: brk to futex. Arenas and their shrinking: openat to sched_getaffinity
 * (/sys/devices/system/cpu/online, /proc/sys/vm/overcommit_memory).
 */
static const unsigned int calls_of_glibc[] = {
	SYS_brk,	SYS_mmap,	SYS_munmap, SYS_mprotect,
	SYS_madvise,	SYS_mremap,	SYS_futex,  SYS_getrandom,
	SYS_openat,	SYS_read,	SYS_close,  SYS_newfstatat,
	SYS_sched_getaffinity, SYS_sched_yield, SYS_write, SYS_exit_group,
};

enum { CALLS = sizeof(calls_of_glibc) / sizeof(*calls_of_glibc), OPENSSH_ERRNO = EACCES };

/* open_error: 0 lets openat through, else it fails with that. */
static void sandbox(unsigned int open_error)
{
	struct sock_filter lines[2 * CALLS + 2];
	struct sock_fprog program = { .len = 2 * CALLS + 2, .filter = lines };
	size_t next = 0;

	lines[next++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						     offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < CALLS; i++) {
		unsigned int answer = SECCOMP_RET_ALLOW;

		if (calls_of_glibc[i] == SYS_openat && open_error)
			answer = SECCOMP_RET_ERRNO | open_error;
		lines[next++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
							     calls_of_glibc[i], 0, 1);
		lines[next++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, answer);
	}
	lines[next++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
						     SECCOMP_RET_KILL_PROCESS);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		contract_skip("seccomp filters are refused here");
}

static void grow_in_sandbox(unsigned int open_error)
{
	struct growth growth = { NULL, 4000, 0 };

	sandbox(open_error);
	growth_add(&growth, 300 * MIB, 0);
	growth_check(&growth);
	growth_free(&growth);
	CHECK(populated_ahead() == 0);
	CHECK_THAT(strstr(mode(), "no helper: ") && strstr(mode(), "seccomp"),
		   "hak_mode: %s", mode());
	_exit(0);
}

static void part_grows_in_a_sandbox(void)
{
	grow_in_sandbox(0);
}

static void part_grows_where_open_fails(void)
{
	grow_in_sandbox(OPENSSH_ERRNO);
}

static void expect_it_lives(const char *part)
{
	static const char *const changes[] = { "HAKMEM_OPTIONS=helpers:auto", NULL };
	static struct child child;

	child_run_case(&child, part, NULL, changes);
	CHECK_THAT(!WIFSIGNALED(child.status), "killed by signal %d (31: a call that "
		   "glibc's malloc does not make)", WTERMSIG(child.status));
	CHECK_THAT(child_succeeded(&child), "%s", child.errors);
}

/* How much the library may have, it asks the kernel by a call that glibc's malloc does not make. */
static void need_unlimited_address_space(void)
{
	struct rlimit limit;

	CHECK(!getrlimit(RLIMIT_AS, &limit));
	if (limit.rlim_cur != RLIM_INFINITY)
		contract_skip("address space is limited: getrlimit(2) is called, once");
}

static void a_sandboxed_program_grows_without_a_helper(void)
{
	need_unlimited_address_space();
	expect_it_lives("part_grows_in_a_sandbox");
}

static void a_sandbox_may_refuse_to_open_files(void)
{
	need_unlimited_address_space();
	expect_it_lives("part_grows_where_open_fails");
}

/* A filter on the thread that grows counts, also when others have none. */
static void a_sandboxed_child_grows_without_a_helper(void)
{
	pid_t pid;

	start_helper();
	pid = fork();
	if (pid == 0) {
		size_t before = populated_ahead();
		struct growth growth = { NULL, 4000, 0 };

		sandbox(0);
		growth_add(&growth, 200 * MIB, 0);
		growth_check(&growth);
		_exit(populated_ahead() != before || !strstr(mode(), "seccomp"));
	}
	expect_success(pid);
}

static const struct contract_case cases[] = {
	CASE_WITH(a_sandboxed_program_grows_without_a_helper, "helpers:auto"),
	CASE_WITH(a_sandbox_may_refuse_to_open_files, "helpers:auto"),
	CASE_WITH(a_sandboxed_child_grows_without_a_helper, "helpers:auto"),
	CASE_PART(part_grows_in_a_sandbox),
	CASE_PART(part_grows_where_open_fails),
};

CONTRACT_MAIN(cases)

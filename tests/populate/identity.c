/* SPDX-License-Identifier: MIT */
/*
 * A process changes who it is, and enters namespaces: as if there were no helper, whose rights are
 * none from the start. And the helper goes on working.
 */
#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/capability.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"
#include "tests/populate/watch.h"

enum { NOBODY = 65534, LIMIT_S = 20 };

static void expect(pid_t task, const char *name, const char *expected)
{
	char text[256];

	CHECK(task_status(task, name, text, sizeof(text)));
	CHECK_THAT(!strncmp(text, expected, strlen(expected)), "task %d has %s %s", (int)task, name,
		   text);
}

static void the_helper_has_no_rights_and_a_filter(void)
{
	pid_t helper;

	start_helper();
	helper = helper_task();
	CHECK(helper);
	expect(helper, "CapPrm", "0000000000000000");
	expect(helper, "CapEff", "0000000000000000");
	expect(helper, "CapInh", "0000000000000000");
	expect(helper, "NoNewPrivs", "1");
	expect(helper, "Seccomp", "2");
	/* and the program what it had */
	expect(getpid(), "NoNewPrivs", "0");
	expect(getpid(), "Threads", "1");
}

static void change(void)
{
	alarm(LIMIT_S);
	CHECK(!setgroups(1, (const gid_t[]){ NOBODY - 1 }));
	expect(getpid(), "Groups", "65533");
	CHECK(!setgid(NOBODY));
	expect(getpid(), "Gid", "65534\t65534\t65534\t65534");
	CHECK(!setuid(NOBODY));
	expect(getpid(), "Uid", "65534\t65534\t65534\t65534");
}

static void a_process_changes_its_identity(void)
{
	struct growth growth = { NULL, 4000, 0 };
	size_t before;

	if (geteuid())
		contract_skip("only root can become somebody else");
	start_helper();
	change();
	/* and the helper still has its descriptors and works */
	before = populated_ahead();
	growth_add(&growth, 150 * MIB, 300);
	growth_check(&growth);
	CHECK(populated_ahead() > before + 4 * MIB);
}

/* At any moment: while it zeroes, moves, sleeps short, sleeps long. */
static void identity_changes_back_and_forth_while_it_works(void)
{
	struct growth growth = { NULL, 4000, 0 };

	if (geteuid())
		contract_skip("only root can become somebody else");
	start_helper();
	alarm(LIMIT_S);
	for (int i = 0; i < 200; i++) {
		CHECK(!seteuid(NOBODY));
		growth_add(&growth, MIB, 0);
		CHECK(!seteuid(0));
		if (i % 50 == 49)
			sleep_ms(700);
	}
	growth_check(&growth);
	expect(getpid(), "Uid", "0\t0\t0\t0");
}

/* As setpriv and chrony do: glibc asks each thread, and aborts if one has lost the right. */
static void capabilities_may_be_kept_across_setresuid(void)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct sets[2];

	if (geteuid())
		contract_skip("only root can become somebody else");
	start_helper();
	CHECK(!prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
	CHECK(!setresuid(NOBODY, NOBODY, NOBODY));
	CHECK(!syscall(SYS_capget, &head, sets));
	sets[0].effective = sets[0].permitted;
	sets[1].effective = sets[1].permitted;
	CHECK(!syscall(SYS_capset, &head, sets));
	CHECK(!setresgid(NOBODY, NOBODY, NOBODY));
	expect(getpid(), "Gid", "65534\t65534\t65534\t65534");
}

/* What only a process of one thread may do. What a plain child may is the measure. */
static void expect_as_without(int (*act)(void), const char *name)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(act() ? errno : 0);
	CHECK(waitpid(pid, &status, 0) == pid);
	if (status)
		contract_skip("%s is refused here anyway", name);
	start_helper();
	CHECK_THAT(!act(), "%s: %s", name, strerror(errno));
}

static int enter_user_namespace(void)
{
	return unshare(CLONE_NEWUSER);
}

static int unshare_threads(void)
{
	return unshare(CLONE_THREAD);
}

static void a_user_namespace_may_be_entered(void)
{
	need_helper_allowed();
	expect_as_without(enter_user_namespace, "unshare(CLONE_NEWUSER)");
}

static void threads_may_be_unshared(void)
{
	need_helper_allowed();
	expect_as_without(unshare_threads, "unshare(CLONE_THREAD)");
}

/* Its first child is init there: that must be the program's. */
static void no_helper_is_the_first_in_a_pid_namespace(void)
{
	pid_t first;

	if (unshare(CLONE_NEWPID))
		contract_skip("PID namespaces are refused: %s", strerror(errno));
	for (int i = 0; i < 64; i++)
		CHECK(malloc(MIB - 100));
	CHECK(helper_task() == 0);
	first = fork();
	if (first == 0)
		_exit(getpid() != 1);
	expect_success(first);
}

static const struct contract_case cases[] = {
	CASE_WITH(the_helper_has_no_rights_and_a_filter, "helpers:always"),
	CASE_WITH(a_process_changes_its_identity, "helpers:always"),
	CASE_WITH(identity_changes_back_and_forth_while_it_works, "helpers:always"),
	CASE_WITH(capabilities_may_be_kept_across_setresuid, "helpers:always"),
	CASE_WITH(a_user_namespace_may_be_entered, "helpers:auto"),
	CASE_WITH(threads_may_be_unshared, "helpers:auto"),
	CASE_WITH(no_helper_is_the_first_in_a_pid_namespace, "helpers:auto"),
};

CONTRACT_MAIN(cases)

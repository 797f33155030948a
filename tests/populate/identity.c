/* SPDX-License-Identifier: MIT */
/*
 * A process changes who it is: glibc tells every thread by a signal, and the helper is one
 * of them. A process without a helper yet may enter a user namespace of its own.
 */
#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"
#include "tests/populate/watch.h"

enum { NOBODY = 65534, LIMIT_S = 20 };

/* Every task of the process says so in its status. */
static void expect_all(const char *name, const char *expected)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *entry;
	int seen = 0;

	CHECK(tasks);
	while ((entry = readdir(tasks))) {
		pid_t task = (pid_t)atoi(entry->d_name);
		char text[256], called[64];

		if (!task)
			continue;
		CHECK(task_status(task, "Name", called, sizeof(called)));
		CHECK(task_status(task, name, text, sizeof(text)));
		CHECK_THAT(!strncmp(text, expected, strlen(expected)),
			   "task %d, %s, has %s %s", (int)task, called, name, text);
		seen++;
	}
	closedir(tasks);
	CHECK_THAT(seen >= 2, "there is no helper");
}

static void change(void)
{
	alarm(LIMIT_S);
	CHECK(!setgroups(1, (const gid_t[]){ NOBODY - 1 }));
	expect_all("Groups", "65533");
	CHECK(!setgid(NOBODY));
	expect_all("Gid", "65534\t65534\t65534\t65534");
	CHECK(!setuid(NOBODY));
	expect_all("Uid", "65534\t65534\t65534\t65534");
}

static void every_task_changes_its_identity(void)
{
	struct growth growth = { NULL, 4000, 0 };
	size_t before;

	if (geteuid())
		contract_skip("only root can become somebody else");
	start_helper();
	/* A control thread that may have no socket ends: it is not to be seen ending. */
	sleep_ms(200);
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
	expect_all("Uid", "0\t0\t0\t0");
}

static void a_user_namespace_may_be_entered_before_it_starts(void)
{
	void *block = malloc(1000);
	pid_t pid;

	need_helper_allowed();
	CHECK(block && helper_thread() == 0);
	/* what a plain process may do is the measure: refused there, it proves nothing */
	pid = fork();
	if (pid == 0) {
		if (unshare(CLONE_NEWUSER))
			contract_skip("user namespaces are refused: %s", strerror(errno));
		start_helper();
		_exit(0);
	}
	expect_success(pid);
	if (unshare(CLONE_NEWUSER))
		CHECK_THAT(false, "unshare: %s", strerror(errno));
	start_helper();
}

static const struct contract_case cases[] = {
	CASE_WITH(every_task_changes_its_identity, "helpers:always"),
	CASE_WITH(identity_changes_back_and_forth_while_it_works, "helpers:always"),
	CASE_WITH(a_user_namespace_may_be_entered_before_it_starts, "helpers:auto"),
};

CONTRACT_MAIN(cases)

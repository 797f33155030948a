/* SPDX-License-Identifier: MIT */
/*
 * However a program ends that is not killed, its helper has ended before and is nobody's to wait
 * for.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/contract/case.h"
#include "tests/contract/process.h"
#include "tests/populate/watch.h"

static bool is_gone(pid_t process)
{
	return process == 0 || (kill(process, 0) && errno == ESRCH);
}

static void end_by_a_handler(int number)
{
	_exit(number - SIGUSR1);
}

static __attribute__((noreturn)) void end_by(int way)
{
	if (way == 1)
		_exit(0);
	if (way == 2)
		_Exit(0);
	if (way == 3)
		quick_exit(0);
	if (way == 4)
		raise(SIGUSR1);
	exit(0);
}

/* However it ends: who adopts it may never wait for it. */
static void expect_it_goes_first(int way)
{
	int pipes[2];
	pid_t pid, former;

	CHECK(!pipe(pipes));
	pid = fork();
	if (pid == 0) {
		start_helper();
		former = helper_task();
		CHECK(write(pipes[1], &former, sizeof(former)) == sizeof(former));
		signal(SIGUSR1, end_by_a_handler);
		end_by(way);
	}
	expect_success(pid);
	CHECK(read(pipes[0], &former, sizeof(former)) == sizeof(former));
	CHECK_THAT(is_gone(former), "helper %d lives on, way %d", (int)former, way);
	close(pipes[0]);
	close(pipes[1]);
}

static void at_exit_the_helper_has_gone_first(void)
{
	for (int way = 0; way < 5; way++)
		expect_it_goes_first(way);
}

static void wait_for_all(int way)
{
	siginfo_t info = { 0 };

	errno = 0;
	if (way == 0)
		CHECK(waitpid(-1, NULL, __WALL) == -1 && errno == ECHILD);
	else if (way == 1)
		CHECK(wait4(-1, NULL, __WCLONE, NULL) == -1 && errno == ECHILD);
	else
		CHECK(waitid(P_ALL, 0, &info, WEXITED | __WALL) == -1 && errno == ECHILD);
}

/* As tracers do, until nobody is left. */
static void who_waits_for_every_kind_of_child_does_not_wait_for_it(void)
{
	for (int way = 0; way < 3; way++) {
		pid_t pid = fork();

		if (pid == 0) {
			start_helper();
			alarm(30);
			wait_for_all(way);
			_exit(0);
		}
		expect_success(pid);
	}
}

static const struct contract_case cases[] = {
	CASE_WITH(who_waits_for_every_kind_of_child_does_not_wait_for_it, "helpers:always"),
	CASE_WITH(at_exit_the_helper_has_gone_first, "helpers:always"),
};

CONTRACT_MAIN(cases)

/* SPDX-License-Identifier: MIT */
/*
 * However a program ends that is not killed, or becomes another, its helper has ended before and is
 * nobody's to wait for.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
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
	if (way == 5)
		syscall(SYS_exit_group, 0);
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
	for (int way = 0; way < 6; way++)
		expect_it_goes_first(way);
}

enum { ABORTS, CALLS_DAEMON, LAST_WAYS };

static void end_another_way(int way)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (way == ABORTS) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
		abort();
	}
	CHECK(!daemon(1, 1));
	_exit(0);
}

/* musl's daemon forks twice. */
#ifdef __GLIBC__
enum { DAEMON_FORKS = 1 };
#else
enum { DAEMON_FORKS = 2 };
#endif

/* Who adopts what a child leaves behind counts as many as the child had: itself, and a daemon. */
static void what_aborts_or_becomes_a_daemon_leaves_no_helper(void)
{
	CHECK(!prctl(PR_SET_CHILD_SUBREAPER, 1));
	for (int way = 0; way < LAST_WAYS; way++) {
		pid_t pid = fork();
		int status, ended = 1;

		if (pid == 0) {
			start_helper();
			end_another_way(way);
		}
		CHECK(waitpid(pid, &status, 0) == pid);
		if (WIFEXITED(status) && WEXITSTATUS(status) == CONTRACT_SKIPPED)
			contract_skip("no helper populates here");
		while (waitpid(-1, NULL, 0) > 0)
			ended++;
		CHECK_THAT(ended == 1 + (way == CALLS_DAEMON ? DAEMON_FORKS : 0),
			   "%d children, way %d", ended, way);
	}
}

static void wait_for_all(int way)
{
	siginfo_t info = { 0 };

	errno = 0;
	if (way == 0)
		CHECK(waitpid(-1, NULL, __WALL) == -1 && errno == ECHILD);
	else if (way == 1)
		CHECK(wait4(-1, NULL, __WCLONE, NULL) == -1 && errno == ECHILD);
	else if (way == 2)
		CHECK(waitid(P_ALL, 0, &info, WEXITED | __WALL) == -1 && errno == ECHILD);
	else
		CHECK(syscall(SYS_wait4, -1, NULL, __WALL, NULL) == -1 && errno == ECHILD);
}

/* As tracers do, until nobody is left. */
static void who_waits_for_every_kind_of_child_does_not_wait_for_it(void)
{
	for (int way = 0; way < 4; way++) {
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

/* ---- exec */

enum { EXEC_WAYS = 11, LOOK_MS = 300 };

/* Zombies, too. */
static bool has_children(void)
{
	char path[64], text[8];
	FILE *file;
	bool has;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	file = fopen(path, "r");
	if (!file)
		contract_skip("/proc tells no children here");
	has = fgets(text, sizeof(text), file) != NULL;
	fclose(file);
	return has;
}

static void part_finds_no_child_and_no_signal(void)
{
	sigset_t pending;

	CHECK_THAT(!has_children(), "a child is left, way %s", contract_argument());
	sleep_ms(LOOK_MS);
	sigpending(&pending);
	CHECK_THAT(!sigismember(&pending, SIGCHLD), "SIGCHLD, way %s", contract_argument());
}

static void become_by(int way, char *const words[])
{
	const char *self = words[0], *name = words[1], *argument = words[2];

	if (way == 0)
		execv(self, words);
	if (way == 1)
		execve(self, words, environ);
	if (way == 2)
		execvp(self, words);
	if (way == 3)
		execvpe(self, words, environ);
	if (way == 4)
		execl(self, self, name, argument, (char *)NULL);
	if (way == 5)
		execlp(self, self, name, argument, (char *)NULL);
	if (way == 6)
		execle(self, self, name, argument, (char *)NULL, environ);
	if (way == 7)
		fexecve(open(self, O_RDONLY | O_CLOEXEC), words, environ);
	if (way == 8)
		execveat(AT_FDCWD, self, words, environ, 0);
	if (way == 9)
		syscall(SYS_execve, self, words, environ);
	syscall(SYS_execveat, AT_FDCWD, self, words, environ, 0);
}

static void before_exec_the_helper_has_gone(void)
{
	for (int way = 0; way < EXEC_WAYS; way++) {
		pid_t pid = fork();

		if (pid == 0) {
			char number[16], name[] = "part_finds_no_child_and_no_signal";
			char *words[] = { (char *)contract_program(), name, number, NULL };
			sigset_t all;

			snprintf(number, sizeof(number), "%d", way);
			start_helper();
			sigfillset(&all);
			sigprocmask(SIG_SETMASK, &all, NULL);
			/* Or it has a helper of its own. */
			unsetenv("HAKMEM_OPTIONS");
			become_by(way, words);
			_exit(1);
		}
		expect_success(pid);
	}
}

static void after_an_exec_that_failed_another_helper_comes(void)
{
	char *const words[] = { NULL };

	pid_t before;

	start_helper();
	before = helper_task();
	CHECK(execv("/there/is/none", words) == -1 && errno == ENOENT);
	CHECK_THAT(is_gone(before), "helper %d lives on", (int)before);
	CHECK_THAT(grow_until_helped(populated_ahead(), STARTING_BYTES), "no other came: %s",
		   mode());
}

/* Its parent gets a SIGCHLD for that, once both its threads have stopped. */
static pid_t stop_helper(void)
{
	struct timespec most = { 20, 0 };
	pid_t helper = helper_task();
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	CHECK(helper && !kill(helper, SIGSTOP));
	CHECK_THAT(sigtimedwait(&child, NULL, &most) == SIGCHLD, "helper %d does not stop",
		   (int)helper);
	return helper;
}

/* By a debugger, or whoever stops all processes that have the program's name in their arguments. */
static void a_stopped_helper_goes_before_exec_too(void)
{
	char name[] = "part_finds_no_child_and_no_signal", way[] = "stopped";
	char *const words[] = { (char *)contract_program(), name, way, NULL };
	char *const none[] = { NULL };
	sigset_t all;
	pid_t before;

	start_helper();
	/* It has no lock then; with one it would stay. */
	usleep(50000);
	before = stop_helper();
	CHECK(execv("/there/is/none", none) == -1 && errno == ENOENT);
	/* It is killed, which takes as long as it takes to find a processor. */
	for (int wait = 0; wait < 1000 && !is_gone(before); wait++)
		usleep(10000);
	CHECK_THAT(is_gone(before), "helper %d lives on", (int)before);
	CHECK_THAT(grow_until_helped(populated_ahead(), STARTING_BYTES), "no other came: %s",
		   mode());
	stop_helper();
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	unsetenv("HAKMEM_OPTIONS");
	execv(words[0], words);
	CHECK(false);
}

/* ---- children that have their parent's memory */

static int call_exec(void *unused)
{
	char program[] = "true";
	char *const words[] = { program, NULL };

	(void)unused;
	execvp("true", words);
	_exit(1);
}

static int call_exit(void *unused)
{
	(void)unused;
	_exit(0);
}

static void run_in_a_namespace_of_its_own(int (*body)(void *))
{
	static char stack[256 << 10] __attribute__((aligned(16)));
	pid_t pid = clone(body, stack + sizeof(stack),
			  CLONE_VM | CLONE_VFORK | CLONE_NEWPID | SIGCHLD, NULL);

	if (pid < 0)
		contract_skip("no PID namespace in another: %s", strerror(errno));
	expect_success(pid);
}

static void stay_as_the_first_of_a_container(void)
{
	pid_t before;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("proc", "/proc", "proc", 0, NULL))
		contract_skip("no /proc of its own: %s", strerror(errno));
	CHECK(getpid() == 1);
	start_helper();
	before = helper_task();
	run_in_a_namespace_of_its_own(call_exec);
	run_in_a_namespace_of_its_own(call_exit);
	CHECK_THAT(before && helper_task() == before, "%d was there, %d is", (int)before,
		   (int)helper_task());
	CHECK(!kill(before, SIGKILL));
	CHECK_THAT(grow_until_helped(populated_ahead(), STARTING_BYTES), "no other came: %s",
		   mode());
}

/* Which has the same process id in its namespace as its parent has: 1. */
static void the_helper_of_an_init_stays_when_its_child_is_one_too(void)
{
	int status;
	pid_t pid;

	if (unshare(CLONE_NEWPID | CLONE_NEWNS))
		contract_skip("PID namespaces are refused: %s", strerror(errno));
	pid = fork();
	if (pid == 0) {
		stay_as_the_first_of_a_container();
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == CONTRACT_SKIPPED)
		contract_skip("not here");
	CHECK_THAT(status == 0, "status %#x", (unsigned)status);
}

/* Between vfork and exec the child has its parent's memory. */
static void the_helper_stays_when_a_child_calls_exec(void)
{
	char program[] = "true";
	char *const words[] = { program, NULL };
	pid_t before, pid;

	start_helper();
	before = helper_task();
	for (int i = 0; i < 50; i++) {
		pid = vfork();
		if (pid == 0) {
			execvp("true", words);
			_exit(1);
		}
		expect_success(pid);
		CHECK(!posix_spawnp(&pid, "true", NULL, NULL, words, NULL));
		expect_success(pid);
	}
	CHECK_THAT(helper_task() == before, "%d was there, %d is", (int)before,
		   (int)helper_task());
}

static const struct contract_case cases[] = {
	CASE_PART(part_finds_no_child_and_no_signal),
	CASE_WITH(before_exec_the_helper_has_gone, "helpers:always"),
	CASE_WITH(after_an_exec_that_failed_another_helper_comes, "helpers:always"),
	CASE_WITH(a_stopped_helper_goes_before_exec_too, "helpers:always"),
	CASE_WITH(the_helper_of_an_init_stays_when_its_child_is_one_too, "helpers:always"),
	CASE_WITH(the_helper_stays_when_a_child_calls_exec, "helpers:always"),
	CASE_WITH(who_waits_for_every_kind_of_child_does_not_wait_for_it, "helpers:always"),
	CASE_WITH(what_aborts_or_becomes_a_daemon_leaves_no_helper, "helpers:always"),
	CASE_WITH(at_exit_the_helper_has_gone_first, "helpers:always"),
};

CONTRACT_MAIN(cases)

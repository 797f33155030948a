/* SPDX-License-Identifier: MIT */
/*
 * What a process can tell of the helper: nothing by its end, its sandboxes, its limits. And what
 * becomes of a helper that is killed, sent away, or left behind by exec.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"
#include "tests/populate/watch.h"

enum { LINES = 20000, TASKS_MOST = 40, WORKERS = 24 };

static pid_t former;

/* Or waits for somebody to take note: whoever adopts it, init mostly. */
static bool former_has_ended(void)
{
	char state[64];

	return !task_status(former, "State", state, sizeof(state)) || state[0] == 'Z';
}

/* ---- how it ends */

static void *write_much(void *unused)
{
	size_t before = populated_ahead();

	(void)unused;
	grow_until_helped(before, STARTING_BYTES);
	for (int i = 0; i < LINES; i++)
		printf("line %d\n", i);
	return NULL;
}

static void say_the_end(void)
{
	printf("the end\n");
}

/* main() has ended by pthread_exit: what the last thread left in buffers is for the C library. */
static void part_ends_with_its_last_thread(void)
{
	pthread_attr_t detached;
	pthread_t thread;

	atexit(say_the_end);
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	start_thread(&thread, &detached, write_much, NULL);
	pthread_exit(NULL);
}

static void output_of_the_last_thread_is_whole(void)
{
	char command[4096], line[64];
	const char *name = "part_ends_with_its_last_thread";
	int lines = 0;
	bool ended = false;
	FILE *output;

	need_threads();
	snprintf(command, sizeof(command), "HAKMEM_OPTIONS=helpers:always LD_PRELOAD='%s' '%s' %s",
		 contract_library(), contract_program(), name);
	output = popen(command, "r");
	CHECK(output);
	while (fgets(line, sizeof(line), output)) {
		lines += !strncmp(line, "line ", 5);
		ended |= !strcmp(line, "the end\n");
	}
	CHECK_THAT(pclose(output) == 0, "it ended otherwise");
	CHECK_THAT(lines == LINES, "%d of %d lines", lines, LINES);
	CHECK_THAT(ended, "its exit handler did not run");
}

static void part_shows_its_helper_and_waits(void)
{
	start_helper();
	printf("%d\n", (int)helper_task());
	fflush(stdout);
	pause();
}

static pid_t begin_part(const char *name, pid_t *helper)
{
	const char *const argv[] = { contract_program(), name, NULL };
	char text[32] = "";
	int out[2];
	pid_t pid;

	CHECK(!pipe(out));
	pid = fork();
	if (pid == 0) {
		dup2(out[1], 1);
		close(out[0]);
		close(out[1]);
		execv(argv[0], (char *const *)argv);
		_exit(1);
	}
	close(out[1]);
	CHECK(read(out[0], text, sizeof(text) - 1) > 0);
	close(out[0]);
	*helper = (pid_t)atoi(text);
	CHECK_THAT(*helper > 0, "it has no helper: %s", text);
	return pid;
}

static void a_killed_program_leaves_no_helper(void)
{
	pid_t pid = begin_part("part_shows_its_helper_and_waits", &former);
	int status;

	CHECK(!kill(former, 0));
	kill(pid, SIGKILL);
	CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
	CHECK_THAT(wait_for(former_has_ended, 20000), "helper %d lives on", (int)former);
}

static void part_calls_exec(void)
{
	char *const argv[] = { (char *)"sleep", (char *)"30", NULL };
	char *const environment[] = { NULL };

	start_helper();
	printf("%d\n", (int)helper_task());
	fflush(stdout);
	execve("/bin/sleep", argv, environment);
	execve("/usr/bin/sleep", argv, environment);
	_exit(1);
}

static void a_program_that_calls_exec_is_left_alone(void)
{
	pid_t pid = begin_part("part_calls_exec", &former);

	CHECK_THAT(wait_for(former_has_ended, 20000), "helper %d still works", (int)former);
	CHECK(!kill(pid, SIGKILL) && waitpid(pid, NULL, 0) == pid);
}

/* ---- a helper that is killed */

static void a_killed_helper_costs_nothing_but_itself(void)
{
	struct growth growth = { NULL, 3000, 0 };

	start_helper();
	for (int i = 0; i < 10; i++) {
		pid_t helper = helper_task();

		growth_add(&growth, 24 * MIB, 100);
		if (helper)
			CHECK(!kill(helper, SIGKILL) || errno == ESRCH);
		growth_add(&growth, 8 * MIB, 0);
	}
	growth_check(&growth);
	growth_free(&growth);
	CHECK_THAT(grow_until_helped(populated_ahead(), GIB), "no other came: %s", mode());
	CHECK(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
}

static void *churn(void *stop)
{
	while (!atomic_load((_Atomic bool *)stop)) {
		struct growth growth = { NULL, 700, 0 };

		growth_add(&growth, 3 * MIB, 0);
		growth_check(&growth);
		growth_free(&growth);
		sleep_ms(3);
	}
	return NULL;
}

static void *grow_and_end(void *unused)
{
	start_helper();
	return unused;
}

/* What it looks at of its starter may be unmapped with that thread's stack. */
static void the_thread_that_started_it_may_end(void)
{
	pthread_attr_t own_stack;
	size_t bytes = MIB;
	void *stack = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_t thread;
	pid_t helper;

	CHECK(stack != MAP_FAILED);
	pthread_attr_init(&own_stack);
	CHECK(!pthread_attr_setstack(&own_stack, stack, bytes));
	start_thread(&thread, &own_stack, grow_and_end, NULL);
	CHECK(!pthread_join(thread, NULL));
	helper = helper_task();
	CHECK(!munmap(stack, bytes));
	sleep_ms(2500);
	CHECK_THAT(helper && helper_task() == helper, "helper %d has gone", (int)helper);
}

/* At any moment: while it empties caches, releases, populates. */
static void threads_go_on_when_helpers_are_killed(void)
{
	static _Atomic bool stop;
	struct rounds rounds = { .most = 60 };
	uint64_t random = (uint64_t)getpid();
	pthread_t threads[4];

	start_helper();
	for (size_t i = 0; i < 4; i++)
		start_thread(&threads[i], NULL, churn, &stop);
	while (next_round(&rounds)) {
		struct growth growth = { NULL, 5000, 0 };
		pid_t helper;

		growth_add(&growth, 20 * MIB, 0);
		sleep_ms((unsigned)(random_next(&random) % 40));
		helper = helper_task();
		if (helper)
			kill(helper, SIGKILL);
		growth_check(&growth);
		growth_free(&growth);
	}
	atomic_store(&stop, true);
	for (size_t i = 0; i < 4; i++)
		CHECK(!pthread_join(threads[i], NULL));
}

/* ---- sandboxes */

static void confine(unsigned int flags)
{
	/* What a program that allocates and writes needs, and nothing of the helper's. */
	static const unsigned int calls[] = {
		SYS_read, SYS_write, SYS_brk, SYS_mmap, SYS_munmap, SYS_mprotect, SYS_mremap,
		SYS_madvise, SYS_futex, SYS_clock_nanosleep, SYS_exit_group, SYS_rt_sigreturn,
	};
	enum { COUNT = sizeof(calls) / sizeof(*calls) };
	struct sock_filter lines[2 * COUNT + 2];
	struct sock_fprog program = { .len = 2 * COUNT + 2, .filter = lines };
	size_t next = 0;

	lines[next++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						     offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < COUNT; i++) {
		lines[next++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i],
							     0, 1);
		lines[next++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	}
	lines[next++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program))
		contract_skip("seccomp filters are refused here");
}

static void live_on(void)
{
	struct timespec pause = { 0, 300000000 };
	struct growth growth = { NULL, 1000, 0 };

	for (int i = 0; i < 4; i++) {
		growth_add(&growth, 20 * MIB, 0);
		clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
		growth_check(&growth);
		growth_free(&growth);
	}
}

/* By its last words it is still there. */
static void part_confines_itself_with_tsync(void)
{
	start_helper();
	confine(SECCOMP_FILTER_FLAG_TSYNC);
	live_on();
	syscall(SYS_write, 1, "alive", 5);
	exit(0);
}

static void a_killing_filter_for_all_threads_kills_nobody(void)
{
	static struct child child;
	static const char *const options[] = { "HAKMEM_OPTIONS=helpers:always", NULL };

	child_run_case(&child, "part_confines_itself_with_tsync", NULL, options);
	if (WIFEXITED(child.status) && WEXITSTATUS(child.status) == CONTRACT_SKIPPED)
		contract_skip("seccomp filters are refused here");
	CHECK_THAT(child_succeeded(&child) && !strcmp(child.output, "alive"), "status %#x: %s%s",
		   (unsigned)child.status, child.output, child.errors);
}

/* ---- limits */

static void become_somebody_of_his_own(void)
{
	if (geteuid())
		contract_skip("only root can become a user that has nothing else running");
	CHECK(!setgid(61237) && !setuid(61237));
}

static void *nothing(void *unused)
{
	return unused;
}

static void a_limit_of_two_tasks_is_for_the_program(void)
{
	struct growth growth = { NULL, 100000, 0 };
	struct rlimit two = { 2, 2 };
	pthread_t thread;
	int error;

	CHECK(!setrlimit(RLIMIT_NPROC, &two));
	become_somebody_of_his_own();
	growth_add(&growth, 60 * MIB, 100);
	error = pthread_create(&thread, NULL, nothing, NULL);
	CHECK_THAT(!error, "its own thread: %s", strerror(error));
	CHECK(!pthread_join(thread, NULL));
}

static void all_workers_that_the_limit_allows_are_forked(void)
{
	struct rlimit tasks = { TASKS_MOST, TASKS_MOST };
	struct growth growth = { NULL, 1000, 0 };
	pid_t workers[WORKERS];
	char byte;
	int hold[2];

	become_somebody_of_his_own();
	CHECK(!setrlimit(RLIMIT_NPROC, &tasks) && !pipe(hold));
	growth_add(&growth, 60 * MIB, 100);
	for (int i = 0; i < WORKERS; i++) {
		workers[i] = fork();
		CHECK_THAT(workers[i] >= 0, "worker %d of %d: %s", i + 1, WORKERS,
			   strerror(errno));
		if (workers[i] == 0) {
			close(hold[1]);
			growth_add(&growth, 30 * MIB, 0);
			_exit(read(hold[0], &byte, 1) != 0);
		}
		sleep_ms(20);
	}
	close(hold[1]);
	for (int i = 0; i < WORKERS; i++)
		expect_success(workers[i]);
}

/* ---- a jail */

static void part_frees_in_a_jail(void)
{
	struct growth growth = { NULL, 1000, 0 };
	char folder[] = "/tmp/hakmem-jail-XXXXXX";

	if (!mkdtemp(folder) || chroot(folder) || chdir("/"))
		_exit(CONTRACT_SKIPPED);
	growth_add(&growth, 100 * MIB, 0);
	growth_free(&growth);
	printf("%d\n", (int)getpid());
	fflush(stdout);
	sleep_ms(20000);
}

static pid_t jailed;

static bool jail_is_small(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", (int)jailed);
	return kib_of_line(path, "VmRSS") < 40 * 1024;
}

/* As haproxy and others leave themselves no /proc. */
static void in_a_jail_without_proc_memory_goes_back(void)
{
	pid_t unused;
	bool went;

	if (geteuid())
		contract_skip("only root may chroot");
	jailed = begin_part("part_frees_in_a_jail", &unused);
	went = wait_for(jail_is_small, 15000);
	kill(jailed, SIGKILL);
	CHECK(waitpid(jailed, NULL, 0) == jailed);
	CHECK_THAT(went, "its memory stays");
}

static const struct contract_case cases[] = {
	CASE_PART(part_ends_with_its_last_thread),
	CASE(output_of_the_last_thread_is_whole),
	CASE_PART(part_shows_its_helper_and_waits),
	CASE_WITH(a_killed_program_leaves_no_helper, "helpers:always"),
	CASE_PART(part_calls_exec),
	CASE_WITH(a_program_that_calls_exec_is_left_alone, "helpers:always"),
	CASE_WITH(a_killed_helper_costs_nothing_but_itself, "helpers:always"),
	CASE_WITH(the_thread_that_started_it_may_end, "helpers:auto"),
	CASE_WITH(threads_go_on_when_helpers_are_killed, "helpers:always"),
	CASE_PART(part_confines_itself_with_tsync),
	CASE(a_killing_filter_for_all_threads_kills_nobody),
	CASE_PART(part_frees_in_a_jail),
	CASE_WITH(in_a_jail_without_proc_memory_goes_back, "helpers:auto"),
	CASE_WITH(a_limit_of_two_tasks_is_for_the_program, "helpers:auto"),
	CASE_WITH(all_workers_that_the_limit_allows_are_forked, "helpers:auto"),
};

CONTRACT_MAIN(cases)

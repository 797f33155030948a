/* SPDX-License-Identifier: MIT */
/*
 * The helper is stopped by a debugger, starved by a real-time thread, or on a busy machine:
 * no thread waits for it. Debuggers and other processes read the heap as they always did.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"
#include "tests/populate/watch.h"

enum { SLOWER_AT_MOST = 10, HOGS = 4, REAL_TIME_LIMIT_S = 30,
       /* a thread that waits for a starved helper waits for good; a busy host takes less */
       BLOCKED_AT_MOST_US = 5000000,
       SLACK_NS = 100000000, SHORT_SLEEP_NS = 1000000 };

static uint64_t own_us(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return (uint64_t)usage.ru_utime.tv_sec * 1000000 + (uint64_t)usage.ru_utime.tv_usec;
}

/* Time that the calling thread was neither running nor waiting for a CPU. */
static uint64_t blocked_us(void)
{
	FILE *file = fopen("/proc/thread-self/schedstat", "re");
	unsigned long long ran_ns, queued_ns;

	if (!file || fscanf(file, "%llu %llu", &ran_ns, &queued_ns) != 2)
		contract_skip("the kernel keeps no schedstat");
	fclose(file);
	return now_us() - (ran_ns + queued_ns) / 1000;
}

/*
 * 1 GiB of 4000 bytes, of which each page is written: nobody may be waited for. Returns the
 * thread's own time, in which it might have spun; what the kernel takes for huge pages
 * varies too much from run to run to be compared.
 */
static uint64_t grow_a_gibibyte(void)
{
	struct growth growth = { NULL, 4000, 0 };
	uint64_t own = own_us();
	/* The kernel's clocks and ours differ a little: it can be less than nothing. */
	int64_t blocked = -(int64_t)blocked_us();

	growth_add(&growth, GIB, 0);
	own = own_us() - own;
	blocked += (int64_t)blocked_us();
	growth_check(&growth);
	CHECK_THAT(blocked < BLOCKED_AT_MOST_US,
		   "of the time for 1 GiB, %lld us were spent waiting for somebody",
		   (long long)blocked);
	return own;
}

static void part_grows_a_gibibyte(void)
{
	dprintf(1, "%llu\n", (unsigned long long)grow_a_gibibyte());
}

/* What it takes here without any helper; the better of two, since other work may be on. */
static uint64_t native_us(void)
{
	static struct child child;
	static const char *const changes[] = { "HAKMEM_OPTIONS=helpers:never", NULL };
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < 2; i++) {
		uint64_t took;

		child_run_case(&child, "part_grows_a_gibibyte", NULL, changes);
		CHECK_THAT(child_succeeded(&child), "%s", child.errors);
		took = strtoull(child.output, NULL, 10);
		if (took && took < best)
			best = took;
	}
	CHECK(best != UINT64_MAX);
	return best;
}

static void expect_native_speed(uint64_t took, uint64_t native)
{
	CHECK_THAT(took <= SLOWER_AT_MOST * native,
		   "1 GiB took %llu us of the thread's own time, %llu without a helper",
		   (unsigned long long)took, (unsigned long long)native);
}

/* In a child: a process cannot trace itself. Stops until the pipe is closed. */
static void hold(pid_t task, int ready, int go)
{
	char byte = 's';
	int status;

	if (ptrace(PTRACE_SEIZE, task, NULL, NULL) ||
	    ptrace(PTRACE_INTERRUPT, task, NULL, NULL) ||
	    waitpid(task, &status, __WALL) != task || !WIFSTOPPED(status))
		byte = 'n';
	if (write(ready, &byte, 1) != 1 || read(go, &byte, 1) != 0)
		_exit(1);
	ptrace(PTRACE_DETACH, task, NULL, NULL);
	_exit(0);
}

static pid_t stop_helper(int *go)
{
	int ready[2], hold_back[2];
	pid_t task = helper_task(), child;
	char byte = 'n';

	CHECK_THAT(task, "no helper: %s", mode());
	CHECK(!pipe(ready) && !pipe(hold_back));
	child = fork();
	if (child == 0) {
		close(hold_back[1]);
		hold(task, ready[1], hold_back[0]);
	}
	CHECK(read(ready[0], &byte, 1) == 1);
	if (byte != 's')
		contract_skip("a child may not trace its parent here");
	*go = hold_back[1];
	return child;
}

static void a_stopped_helper_holds_up_nobody(void)
{
	uint64_t native = native_us(), took;
	size_t before;
	pid_t holder;
	int go;

	start_helper();
	holder = stop_helper(&go);
	before = populated_ahead();
	took = grow_a_gibibyte();
	CHECK_THAT(populated_ahead() == before, "the helper was not stopped");
	close(go);
	expect_success(holder);
	expect_native_speed(took, native);
	/* and it goes on where it was */
	start_helper();
}

/* Stopped at a moment of its own choice, fifty times at most, while the heap grows and shrinks. */
static void a_helper_stopped_at_any_moment_holds_up_nobody(void)
{
	struct growth growth = { NULL, 3000, 0 };
	struct rounds rounds = { .most = 50 };

	start_helper();
	while (next_round(&rounds)) {
		pid_t holder;
		int go;

		growth_add(&growth, 8 * MIB, rounds.count % 5 * 100u);
		holder = stop_helper(&go);
		growth_add(&growth, 8 * MIB, 0);
		if (rounds.count % 10 == 0) {
			growth_check(&growth);
			growth_free(&growth);
		}
		close(go);
		expect_success(holder);
	}
	growth_check(&growth);
}

/* musl has no such function. */
static bool set_policy(pid_t task, int policy, int priority)
{
	struct sched_param param = { .sched_priority = priority };

	return syscall(SYS_sched_setscheduler, task, policy, &param) == 0;
}

/* The helper runs only when nobody else wants to; and everybody wants to. */
static void a_starved_helper_holds_up_nobody(void)
{
	pid_t hogs[HOGS];

	start_helper();
	CHECK(set_policy(helper_task(), SCHED_IDLE, 0));
	for (int i = 0; i < HOGS; i++) {
		hogs[i] = fork();
		if (hogs[i] == 0) {
			alarm(CONTRACT_LIMIT_S);
			for (;;)
				__asm__ volatile("");
		}
	}
	grow_a_gibibyte();
	for (int i = 0; i < HOGS; i++) {
		kill(hogs[i], SIGKILL);
		waitpid(hogs[i], NULL, 0);
	}
}

static void on_one_cpu(int policy)
{
	pid_t helper = helper_task();
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		contract_skip("this process may not run on CPU 0");
	CHECK(!helper || !sched_setaffinity(helper, sizeof(one), &one));
	if (!set_policy(0, policy, policy == SCHED_FIFO ? 10 : 0))
		contract_skip("real-time threads are refused here: %s", strerror(errno));
	alarm(REAL_TIME_LIMIT_S);
}

static void a_real_time_thread_and_the_helper_may_share_a_cpu(void)
{
	start_helper();
	on_one_cpu(SCHED_FIFO);
	grow_a_gibibyte();
}

/* It inherits the policy of the thread that starts it, unless it is told not to. */
static void the_helper_of_a_real_time_thread_is_not_one(void)
{
	struct growth growth = { NULL, 4000, 0 };
	pid_t helper;

	need_helper_allowed();
	if (!set_policy(0, SCHED_FIFO, 1))
		contract_skip("SCHED_FIFO is refused");
	growth_add(&growth, 200 * MIB, 0);
	/* lets it come to where it sets itself up */
	sleep_ms(500);
	helper = helper_task();
	CHECK_THAT(helper, "no helper: %s", mode());
	CHECK_THAT(syscall(SYS_sched_getscheduler, helper) != SCHED_FIFO,
		   "the helper has a real-time policy");
}

static void expect_readable(const struct growth *growth, pid_t from)
{
	size_t number = growth->blocks;
	char copy[4000];

	for (char *block = growth->last; block; memcpy(&block, copy, sizeof(block))) {
		struct iovec local = { copy, sizeof(copy) },
			     remote = { block, sizeof(copy) };

		CHECK_THAT(process_vm_readv(from, &local, 1, &remote, 1, 0) ==
				   (ssize_t)sizeof(copy),
			   "process_vm_readv at %p: %s", (void *)block, strerror(errno));
		CHECK(pattern_holds(copy + sizeof(void *), sizeof(copy) - sizeof(void *),
				    --number));
	}
}

static void process_vm_readv_reads_every_live_block(void)
{
	struct growth growth = { NULL, 4000, 0 };
	pid_t parent = getpid(), child;
	struct iovec local, remote = { &growth, sizeof(growth) };
	static struct growth seen;

	start_helper();
	growth_add(&growth, 150 * MIB, 300);
	child = fork();
	if (child == 0) {
		alarm(CONTRACT_LIMIT_S);
		local = (struct iovec){ &seen, sizeof(seen) };
		if (process_vm_readv(parent, &local, 1, &remote, 1, 0) != sizeof(seen))
			contract_skip("process_vm_readv is refused here");
		expect_readable(&seen, parent);
		_exit(0);
	}
	/* goes on, so that superslabs come and go meanwhile; not through the list */
	for (int i = 0; i < 20; i++) {
		struct growth other = { NULL, 900, 0 };

		growth_add(&other, 20 * MIB, 300);
		growth_free(&other);
	}
	expect_success(child);
}

static void part_grows_for_a_debugger(void)
{
	struct growth growth = { NULL, 4000, 0 };

	start_helper();
	growth_add(&growth, 64 * MIB, 300);
	dprintf(1, "%p\n", growth.last);
	for (int i = 0; i < 300; i++) {
		growth_add(&growth, MIB, 0);
		sleep_ms(20);
	}
	growth_check(&growth);
}

static void gdb_attaches_prints_and_detaches(void)
{
	static struct child gdb;
	static char self[] = "/proc/self/exe", part[] = "part_grows_for_a_debugger";
	char *argv[] = { self, part, NULL };
	char pid_text[16], print[64], place[32] = "";
	const char *const command[] = { "timeout", "30", "gdb", "-q", "-nx", "-batch", "-p",
					pid_text, "-ex", "info threads", "-ex", print, "-ex",
					"detach", NULL };
	const char *const plain[] = { "LD_PRELOAD", "DEBUGINFOD_URLS", NULL };
	int out[2];
	pid_t pid;

	need_proc();
	CHECK(!pipe(out));
	pid = fork();
	if (pid == 0) {
		dup2(out[1], 1);
		alarm(CONTRACT_LIMIT_S);
		execv(self, argv);
		_exit(1);
	}
	CHECK(read(out[0], place, sizeof(place) - 1) > 2);
	snprintf(pid_text, sizeof(pid_text), "%d", (int)pid);
	snprintf(print, sizeof(print), "print *(void **)%.20s", place);
	child_run(&gdb, command, plain);
	if (strstr(gdb.errors, "not permitted") || WEXITSTATUS(gdb.status) == 127) {
		kill(pid, SIGKILL);
		contract_skip("no gdb that may attach (Debian: gdb): %s", gdb.errors);
	}
	/* The debugger sees the program as it is without us. */
	CHECK_THAT(!strstr(gdb.output, "hakmem-helper"), "gdb: %s%s", gdb.output,
		   gdb.errors);
	CHECK_THAT(strstr(gdb.output, "$1 = (void *) 0x"), "gdb: %s%s", gdb.output,
		   gdb.errors);
	CHECK_THAT(strstr(gdb.output, "detached"), "gdb: %s", gdb.output);
	/* the program goes on to its end, every block whole */
	expect_success(pid);
}

static void *grow_pinned(void *argument)
{
	struct growth growth = { NULL, 4000, 0 };
	cpu_set_t one;

	(void)argument;
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	CHECK(!sched_setaffinity(0, sizeof(one), &one));
	growth_add(&growth, 64 * MIB, 100);
	growth_free(&growth);
	return NULL;
}

/* Servers pin their threads; the helper is not one of those. */
static void the_helper_of_a_pinned_thread_runs_where_main_may(void)
{
	cpu_set_t of_main, of_helper;
	pthread_t thread;

	need_helper_allowed();
	CHECK(!sched_getaffinity(0, sizeof(of_main), &of_main));
	if (CPU_COUNT(&of_main) < 2)
		contract_skip("this process may use one processor only");
	start_thread(&thread, NULL, grow_pinned, NULL);
	CHECK(!pthread_join(thread, NULL));
	CHECK_THAT(helper_task(), "there is no helper: %s", mode());
	CHECK(!sched_getaffinity(helper_task(), sizeof(of_helper), &of_helper));
	CHECK(CPU_EQUAL(&of_main, &of_helper));
}

/* The kernel lets a sleep of a task end later by its slack. */
static void the_helper_of_a_program_with_timer_slack_has_none(void)
{
	unsigned long long slack_ns;
	char path[64];
	FILE *file;

	need_helper_allowed();
	CHECK(!prctl(PR_SET_TIMERSLACK, SLACK_NS));
	start_helper();
	snprintf(path, sizeof(path), "/proc/%d/timerslack_ns", (int)helper_task());
	file = fopen(path, "re");
	if (!file || fscanf(file, "%llu", &slack_ns) != 1)
		contract_skip("the timer slack of the helper cannot be read");
	CHECK_THAT(slack_ns < SHORT_SLEEP_NS, "%llu ns", slack_ns);
	fclose(file);
}

static const struct contract_case cases[] = {
	CASE_WITH(a_stopped_helper_holds_up_nobody, "helpers:always"),
	CASE_WITH(a_helper_stopped_at_any_moment_holds_up_nobody, "helpers:always"),
	CASE_WITH(a_starved_helper_holds_up_nobody, "helpers:always"),
	CASE_WITH(a_real_time_thread_and_the_helper_may_share_a_cpu, "helpers:always"),
	CASE_WITH(the_helper_of_a_real_time_thread_is_not_one, "helpers:auto"),
	CASE_WITH(the_helper_of_a_pinned_thread_runs_where_main_may, "helpers:auto"),
	CASE_WITH(the_helper_of_a_program_with_timer_slack_has_none, "helpers:always"),
	CASE_WITH(process_vm_readv_reads_every_live_block, "helpers:always"),
	CASE_WITH(gdb_attaches_prints_and_detaches, "helpers:always"),
	CASE_PART(part_grows_a_gibibyte),
	CASE_PART(part_grows_for_a_debugger),
};

CONTRACT_MAIN(cases)

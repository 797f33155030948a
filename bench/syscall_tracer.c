/* SPDX-License-Identifier: MIT */
/*
 * syscall_tracer [--preload LIBRARY] [--output FILE] -- COMMAND runs the command, counts
 * the memory system calls of all its threads and prints a line for each kind and cause:
 *	KIND PHASE SIZE-FROM ALIGNMENT COUNT FIRST-OPERATION LAST-OPERATION BYTES
 * PHASE is start, run, end or, for threads that the program has not announced as its own,
 * thread; BYTES is what the kernel says a UFFDIO_COPY or _MOVE has done. It uses ptrace:
 * an allocator may behave otherwise under a seccomp filter.
 */
#include "bench/syscall_marker.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* clang-format off */
#define CALL(name) { SYS_##name, 0, #name, false }
#define FAULT_SERVICE(name, request, moves) { SYS_ioctl, request, "UFFDIO_" #name, moves }

/* The requests' numbers, since the headers that we build with may be older than some. */
static const struct memory_call {
	long number;
	uint64_t request; /* of an ioctl */
	const char *name;
	bool moves_bytes;
} memory_calls[] = {
	CALL(mmap), CALL(munmap), CALL(mremap), CALL(mprotect), CALL(brk), CALL(madvise),
	CALL(mbind), CALL(set_mempolicy), CALL(get_mempolicy), CALL(move_pages),
	CALL(migrate_pages), CALL(mlock), CALL(mlock2), CALL(mlockall), CALL(munlock),
	CALL(munlockall), CALL(mincore), CALL(msync), CALL(pkey_mprotect),
	CALL(remap_file_pages), CALL(process_madvise), CALL(userfaultfd),
	CALL(io_uring_setup), CALL(io_uring_enter), CALL(io_uring_register),
	FAULT_SERVICE(API, 0xc018aa3f, false),
	FAULT_SERVICE(REGISTER, 0xc020aa00, false),
	FAULT_SERVICE(UNREGISTER, 0x8010aa01, false),
	FAULT_SERVICE(WAKE, 0x8010aa02, false),
	FAULT_SERVICE(COPY, 0xc028aa03, true),
	FAULT_SERVICE(ZEROPAGE, 0xc020aa04, false),
	FAULT_SERVICE(MOVE, 0xc028aa05, true),
	FAULT_SERVICE(WRITEPROTECT, 0xc018aa06, false),
	FAULT_SERVICE(CONTINUE, 0xc020aa07, false),
	FAULT_SERVICE(POISON, 0xc020aa08, false),
};
/* clang-format on */

enum {
	MEMORY_CALLS = sizeof(memory_calls) / sizeof(memory_calls[0]),
	MAX_CAUSES = 1024,
	MAX_THREADS = 1024,
	/* struct uffdio_copy and uffdio_move: dst, src, len, mode, then what was done */
	DONE_OFFSET = 4 * sizeof(uint64_t),
};

enum phase { PHASE_START, PHASE_RUN, PHASE_END, PHASE_THREAD };

static const char *const phase_names[] = { "start", "run", "end", "thread" };

/* All calls of one kind that one cause has made. */
struct cause {
	const struct memory_call *call;
	enum phase phase;
	uint64_t size_from; /* the power of two at or below the size */
	uint64_t align_bytes;
	uint64_t count;
	int64_t first_operation;
	int64_t last_operation;
	uint64_t bytes;
};

struct thread {
	pid_t id; /* 0: the place is free */
	bool announced;
	struct cause *moving; /* the call that it is in, if that moves bytes */
	uint64_t argument;
};

static struct thread threads[MAX_THREADS];
static struct cause causes[MAX_CAUSES];
static unsigned int cause_count;
static pid_t leader;
static bool leader_runs_command; /* its exec has happened */
static uint64_t marker_address;
static int leader_status;

static void fail(const char *what)
{
	fprintf(stderr, "syscall_tracer: %s: %s\n", what, strerror(errno));
	exit(2);
}

static struct thread *find_thread(pid_t id)
{
	struct thread *place = NULL;

	for (unsigned int i = 0; i < MAX_THREADS; i++) {
		if (threads[i].id == id)
			return &threads[i];
		if (!threads[i].id && !place)
			place = &threads[i];
	}
	if (!place) {
		fprintf(stderr, "syscall_tracer: more threads than there is room for\n");
		exit(2);
	}
	*place = (struct thread){ .id = id };
	return place;
}

static const struct memory_call *find_call(uint64_t number, uint64_t request)
{
	for (unsigned int i = 0; i < MEMORY_CALLS; i++)
		if ((uint64_t)memory_calls[i].number == number &&
		    (number != SYS_ioctl || memory_calls[i].request == (uint32_t)request))
			return &memory_calls[i];
	return NULL;
}

static struct syscall_marker read_marker(void)
{
	struct syscall_marker marker = { .operation = SYSCALL_MARKER_START };
	struct iovec local = { &marker, sizeof(marker) };
	struct iovec remote = { (void *)(uintptr_t)marker_address, sizeof(marker) };

	if (marker_address && process_vm_readv(leader, &local, 1, &remote, 1, 0) < 0)
		fail("cannot read the marker");
	return marker;
}

static struct cause describe(const struct thread *thread, const struct memory_call *call)
{
	struct syscall_marker marker = read_marker();
	struct cause cause = { .call = call, .phase = PHASE_RUN, .first_operation = -1 };

	if (thread->id != leader && !thread->announced)
		cause.phase = PHASE_THREAD;
	else if (marker.operation == SYSCALL_MARKER_START)
		cause.phase = PHASE_START;
	else if (marker.operation == SYSCALL_MARKER_END)
		cause.phase = PHASE_END;
	if (marker.operation < 0)
		return cause;
	cause.first_operation = marker.operation;
	cause.align_bytes = marker.align_bytes;
	cause.size_from = 1;
	while (cause.size_from * 2 <= marker.size_bytes)
		cause.size_from *= 2;
	return cause;
}

static struct cause *count_call(const struct thread *thread,
				const struct memory_call *call)
{
	struct cause found = describe(thread, call);
	unsigned int i;

	for (i = 0; i < cause_count; i++)
		if (causes[i].call == call && causes[i].phase == found.phase &&
		    causes[i].size_from == found.size_from &&
		    causes[i].align_bytes == found.align_bytes)
			break;
	if (i == MAX_CAUSES) {
		fprintf(stderr, "syscall_tracer: more causes than there is room for\n");
		exit(2);
	}
	if (i == cause_count) {
		causes[i] = found;
		cause_count++;
	}
	causes[i].count++;
	causes[i].last_operation = found.first_operation;
	return &causes[i];
}

/* A part may have been done even where the call failed; the count is negative if none. */
static void at_exit_of_move(struct thread *thread)
{
	int64_t done = 0;
	struct iovec local = { &done, sizeof(done) };
	struct iovec remote = { (void *)(uintptr_t)(thread->argument + DONE_OFFSET),
				sizeof(done) };

	if (process_vm_readv(thread->id, &local, 1, &remote, 1, 0) < 0)
		fail("cannot read what a UFFDIO_ request has done");
	if (done > 0)
		thread->moving->bytes += (uint64_t)done;
	thread->moving = NULL;
}

static void at_entry(struct thread *thread, uint64_t number, const uint64_t *arguments)
{
	const struct memory_call *call = find_call(number, arguments[1]);

	if (number == SYS_prctl && arguments[0] == SYSCALL_MARKER_PRCTL)
		marker_address = arguments[1];
	if (number == SYS_prctl && arguments[0] == SYSCALL_MARKER_THREAD_PRCTL)
		thread->announced = true;
	if (!call)
		return;
	thread->argument = arguments[2];
	thread->moving = count_call(thread, call);
	if (!call->moves_bytes)
		thread->moving = NULL;
}

static void at_syscall(pid_t id)
{
	struct thread *thread = find_thread(id);
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, id, sizeof(info), &info) < 0)
		return; /* the thread has just been killed */
	if (!leader_runs_command)
		return;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
		at_entry(thread, info.entry.nr, (const uint64_t *)info.entry.args);
	else if (info.op == PTRACE_SYSCALL_INFO_EXIT && thread->moving)
		at_exit_of_move(thread);
}

/* Handles one stop; returns the signal to deliver when the thread goes on. */
static int at_stop(pid_t thread, int status)
{
	int signal_number = WSTOPSIG(status);
	int event = status >> 16;

	if (signal_number == (SIGTRAP | 0x80)) {
		at_syscall(thread);
		return 0;
	}
	if (event == PTRACE_EVENT_EXEC && thread == leader)
		leader_runs_command = true;
	/* SIGSTOP is how a new thread begins when its creator is traced */
	if (event || signal_number == SIGSTOP)
		return 0;
	return signal_number;
}

static void trace_until_end(void)
{
	pid_t thread;
	int status;

	while ((thread = waitpid(-1, &status, __WALL)) > 0) {
		if (WIFSTOPPED(status)) {
			int deliver = at_stop(thread, status);

			ptrace(PTRACE_SYSCALL, thread, 0, deliver);
			continue;
		}
		find_thread(thread)->id = 0;
		if (thread == leader)
			leader_status = status;
	}
}

static void run_command(const char *preload, char **command)
{
	if (preload && *preload && setenv("LD_PRELOAD", preload, 1))
		fail("setenv");
	if (ptrace(PTRACE_TRACEME, 0, 0, 0))
		fail("ptrace");
	raise(SIGSTOP);
	execvp(command[0], command);
	fail(command[0]);
}

static void attach(void)
{
	const unsigned long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL |
				      PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
				      PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC;
	int status;

	if (waitpid(leader, &status, 0) != leader || !WIFSTOPPED(status))
		fail("the command did not start");
	if (ptrace(PTRACE_SETOPTIONS, leader, 0, options) ||
	    ptrace(PTRACE_SYSCALL, leader, 0, 0))
		fail("ptrace");
}

static void print_causes(const char *path)
{
	FILE *file = path ? fopen(path, "w") : stdout;

	if (!file)
		fail(path);
	for (unsigned int i = 0; i < cause_count; i++)
		fprintf(file,
			"%s %s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRId64 " %" PRId64
			" %" PRIu64 "\n",
			causes[i].call->name, phase_names[causes[i].phase],
			causes[i].size_from, causes[i].align_bytes, causes[i].count,
			causes[i].first_operation, causes[i].last_operation,
			causes[i].bytes);
	if (fflush(file))
		fail("cannot write the counts");
}

int main(int argc, char **argv)
{
	const char *preload = NULL;
	const char *output = NULL;
	int at = 1;

	for (; at + 1 < argc && strcmp(argv[at], "--"); at += 2) {
		if (!strcmp(argv[at], "--preload"))
			preload = argv[at + 1];
		else if (!strcmp(argv[at], "--output"))
			output = argv[at + 1];
		else
			break;
	}
	if (at + 1 >= argc || strcmp(argv[at], "--")) {
		fprintf(stderr, "usage: syscall_tracer [--preload LIBRARY] "
				"[--output FILE] -- COMMAND\n");
		return 2;
	}
	leader = fork();
	if (leader < 0)
		fail("fork");
	if (!leader)
		run_command(preload, argv + at + 1);
	attach();
	trace_until_end();
	print_causes(output);
	return leader_status ? 1 : 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * A thread that warms its heap up and then forbids itself the memory system calls by a
 * seccomp filter that kills: mixed sizes to 1 MiB, growing and shrinking under the
 * warmed-up peak, for ten million operations. It lives and prints its row, or it dies
 * by SIGSYS. Arguments: strict (forbids futex, ioctl and io_uring_enter as well), report
 * (instead of dying, names the call and the operation).
 */
#include "bench/harness.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	WARM_UP_OPERATIONS = 1 << 20,
	PERIOD_OPERATIONS = 1 << 18,
	SLOTS = 1 << 16,
	SEED = 42,
	SIZE_DOUBLINGS = 16, /* 16 B to 1 MiB, evenly over the doublings */
	REALLOC_ONE_IN = 64,
	CALLOC_ONE_IN = 16,
	CALLOC_BYTES = 4096,
};

#define WARM_UP_PEAK_BYTES (128 * BENCH_MIB)
#define SEALED_PEAK_BYTES  (96 * BENCH_MIB)
#define LOW_BYTES	   (8 * BENCH_MIB)

struct block {
	char *start;
	size_t bytes;
};

struct heap {
	struct block *blocks;
	size_t count;
	size_t live_bytes;
	uint64_t state;
};

static const struct bench_row sealed_row = {
	.name = "sealed",
	.operations = 10000000,
	.threads = 1,
};

static const struct {
	uint32_t number;
	bool only_strict;
	const char *name;
} forbidden_calls[] = {
	{ SYS_mmap, false, "mmap" },
	{ SYS_munmap, false, "munmap" },
	{ SYS_madvise, false, "madvise" },
	{ SYS_mprotect, false, "mprotect" },
	{ SYS_mremap, false, "mremap" },
	{ SYS_brk, false, "brk" },
	{ SYS_futex, true, "futex" },
	{ SYS_ioctl, true, "ioctl" },
	{ SYS_io_uring_enter, true, "io_uring_enter" },
};

enum { FORBIDDEN_CALLS = sizeof(forbidden_calls) / sizeof(forbidden_calls[0]) };

static uint64_t operation_now;

static size_t random_size(struct heap *heap)
{
	size_t base = (size_t)16 << (harness_random(&heap->state) % SIZE_DOUBLINGS);

	return base + (size_t)(harness_random(&heap->state) % base) + 1;
}

static void add_block(struct heap *heap)
{
	struct block *block = &heap->blocks[heap->count++];

	if (harness_random(&heap->state) % CALLOC_ONE_IN == 0) {
		block->bytes = 1 + harness_random(&heap->state) % CALLOC_BYTES;
		block->start = calloc(1, block->bytes);
	} else {
		block->bytes = random_size(heap);
		block->start = malloc(block->bytes);
	}
	if (!block->start)
		harness_fail("allocation failed");
	block->start[0] = 1;
	block->start[block->bytes - 1] = 1;
	heap->live_bytes += block->bytes;
}

static struct block *any_block(struct heap *heap)
{
	return &heap->blocks[harness_random(&heap->state) % heap->count];
}

static void resize_block(struct heap *heap)
{
	struct block *block = any_block(heap);
	size_t bytes = random_size(heap);

	block->start = realloc(block->start, bytes);
	if (!block->start)
		harness_fail("realloc failed");
	heap->live_bytes += bytes - block->bytes;
	block->bytes = bytes;
}

static void drop_block(struct heap *heap)
{
	struct block *block = any_block(heap);

	free(block->start);
	heap->live_bytes -= block->bytes;
	*block = heap->blocks[--heap->count];
}

/* What may be alive now: up and down in a straight line, between low and peak. */
static size_t target_bytes(uint64_t operation, size_t peak_bytes)
{
	const uint64_t half = PERIOD_OPERATIONS / 2;
	uint64_t at = operation % PERIOD_OPERATIONS;

	if (at > half)
		at = PERIOD_OPERATIONS - at;
	return LOW_BYTES + (peak_bytes - LOW_BYTES) / half * at;
}

static void run(struct heap *heap, uint64_t operations, size_t peak_bytes)
{
	for (operation_now = 0; operation_now < operations; operation_now++) {
		size_t target = target_bytes(operation_now, peak_bytes);

		if (heap->count < SLOTS)
			add_block(heap);
		if (harness_random(&heap->state) % REALLOC_ONE_IN == 0)
			resize_block(heap);
		while (heap->live_bytes > target)
			drop_block(heap);
	}
}

/* Only write and _exit: both are allowed, and neither allocates. */
static void report_call(int signal_number, siginfo_t *info, void *context)
{
	const char *name = "another call";
	char line[96];
	int length;

	(void)signal_number;
	(void)context;
	for (unsigned int i = 0; i < FORBIDDEN_CALLS; i++)
		if (forbidden_calls[i].number == (uint32_t)info->si_syscall)
			name = forbidden_calls[i].name;
	length = snprintf(line, sizeof(line), "%s in operation %llu\n", name,
			  (unsigned long long)operation_now);
	_exit(write(STDERR_FILENO, line, (size_t)length) == length ? 4 : 5);
}

static void install_filter(struct sock_filter *code, unsigned short length)
{
	struct sock_fprog filter = { length, code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter))
		harness_fail("the kernel refuses the filter");
}

static void seal(bool strict, bool report)
{
	const uint32_t action = report ? SECCOMP_RET_TRAP : SECCOMP_RET_KILL_PROCESS;
	struct sigaction trap = { .sa_sigaction = report_call, .sa_flags = SA_SIGINFO };
	struct sock_filter code[2 + 2 * FORBIDDEN_CALLS];
	unsigned short length = 0;

	if (report && sigaction(SIGSYS, &trap, NULL))
		harness_fail("sigaction failed");
	code[length++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						      offsetof(struct seccomp_data, nr));
	for (unsigned int i = 0; i < FORBIDDEN_CALLS; i++) {
		if (forbidden_calls[i].only_strict && !strict)
			continue;
		code[length++] = (struct sock_filter)BPF_JUMP(
			BPF_JMP | BPF_JEQ | BPF_K, forbidden_calls[i].number, 0, 1);
		code[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action);
	}
	code[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	install_filter(code, length);
}

int main(int argc, char **argv)
{
	struct heap heap = { .blocks = harness_map(SLOTS * sizeof(struct block)),
			     .state = SEED };
	bool strict = false;
	bool report = false;
	uint64_t operations = harness_operations(&sealed_row);
	uint64_t start_ns;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "strict"))
			strict = true;
		else if (!strcmp(argv[i], "report"))
			report = true;
		else
			harness_fail("usage: sealed [strict] [report]");
	}
	harness_pin();
	run(&heap, WARM_UP_OPERATIONS, WARM_UP_PEAK_BYTES);
	seal(strict, report);
	start_ns = harness_now_ns();
	run(&heap, operations, SEALED_PEAK_BYTES);
	harness_print(&sealed_row, operations, harness_now_ns() - start_ns);
	/* destructors are not operations of the sealed part */
	_exit(0);
}

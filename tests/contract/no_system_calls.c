/* SPDX-License-Identifier: MIT */
/*
 * Once warm, no thread enters the kernel for memory: threads that have forbidden
 * themselves the system calls of memory run mixed sizes to 1 MiB, growing and shrinking
 * below the peak of the warm-up. Nothing can be told on a machine so busy that memory is idle
 * meanwhile, and goes back.
 */
#include <errno.h>
#include <execinfo.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"

enum {
	OPERATIONS = 1000000,
	SLOTS = 20000,
	PEAK_MIB = 64,
	WARM_MIB = 3 * PEAK_MIB,
	FRAMES = 32,
	IDLE_MOST_US = 200000,
};

static const struct {
	int number;
	const char *name;
} forbidden[] = {
	{ SYS_mmap, "mmap" }, { SYS_munmap, "munmap" }, { SYS_madvise, "madvise" },
	{ SYS_mprotect, "mprotect" }, { SYS_mremap, "mremap" }, { SYS_brk, "brk" },
	{ SYS_ioctl, "ioctl" }, { SYS_io_uring_enter, "io_uring_enter" },
	{ SYS_process_madvise, "process_madvise" }, { SYS_futex, "futex" },
};

enum { FORBIDDEN = sizeof(forbidden) / sizeof(*forbidden) };

#define LOAD(field) \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(action) BPF_STMT(BPF_RET | BPF_K, action)

/* Between two of them the heap rises or falls. */
static uint64_t turned_us, longest_us;

static void note_turn(void)
{
	uint64_t us = now_us();

	if (turned_us && us - turned_us > longest_us)
		longest_us = us - turned_us;
	turned_us = us;
}

/* A trap and not a kill, so that the message can name the call; it is as final. */
static void on_forbidden_call(int signal, siginfo_t *info, void *context)
{
	const char *name = "?";
	char text[100];
	void *frames[FRAMES];
	int length;

	(void)signal;
	(void)context;
	for (size_t i = 0; i < FORBIDDEN; i++)
		if (forbidden[i].number == info->si_syscall)
			name = forbidden[i].name;
	note_turn();
	if (longest_us > IDLE_MOST_US)
		contract_skip("memory was idle for %d ms", (int)(longest_us / 1000));
	length = snprintf(text, sizeof(text), "a warm thread called %s\n", name);
	if (write(2, text, (size_t)length) < 0)
		_exit(2);
	backtrace_symbols_fd(frames, backtrace(frames, FRAMES), 2);
	_exit(1);
}

/* For the calling thread only; to be done after its stack and the heap are warm. */
static void forbid_calls(void)
{
	struct sock_filter filter[2 * FORBIDDEN + 2];
	struct sock_fprog program = { .filter = filter };
	size_t length = 0;

	filter[length++] = (struct sock_filter)LOAD(nr);
	for (size_t i = 0; i < FORBIDDEN; i++) {
		filter[length++] = (struct sock_filter)BPF_JUMP(
			BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)forbidden[i].number, 0,
			1);
		filter[length++] = (struct sock_filter)RETURN(SECCOMP_RET_TRAP);
	}
	filter[length++] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
	program.len = (unsigned short)length;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		contract_skip("seccomp is refused here: %s", strerror(errno));
}

static void catch_forbidden_calls(void)
{
	struct sigaction action = { .sa_sigaction = on_forbidden_call,
				    .sa_flags = SA_SIGINFO };
	void *frame;

	CHECK(backtrace(&frame, 1) == 1);	/* the first loads a library */
	CHECK(!sigaction(SIGSYS, &action, NULL));
}

struct slot {
	char *block;
	size_t size;
	uint64_t tag;
};

struct workload {
	struct slot slots[SLOTS];
	size_t live_bytes;
	size_t goal_bytes;	/* rises and falls, so that the heap grows and shrinks */
	uint64_t random;
};

typedef size_t (*size_chooser)(uint64_t *random);

static size_t any_size(uint64_t *random)
{
	return random_size(random, MIB);
}

static size_t size_1016_to_1024(uint64_t *random)
{
	return 1016 + random_next(random) % 9;
}

static size_t size_1025_to_8191(uint64_t *random)
{
	return 1025 + random_next(random) % (8191 - 1025 + 1);
}

static size_t size_to_1024(uint64_t *random)
{
	return random_next(random) % 1025;
}

static size_t size_8_kib_to_1_mib(uint64_t *random)
{
	return 8192 + random_next(random) % (MIB - 8191);
}

static void put_slot(struct workload *work, struct slot *slot)
{
	if (!slot->block)
		return;
	/* one word at each end is enough here: contents are other tests' question */
	CHECK(!memcmp(slot->block, &slot->tag, slot->size < 8 ? slot->size : 8));
	free(slot->block);
	slot->block = NULL;
	work->live_bytes -= slot->size;
}

static void take_slot(struct workload *work, struct slot *slot, size_t size)
{
	uint64_t how = random_next(&work->random) % 8;

	slot->block = how == 0 ? calloc(1, size) :
		      how == 1 ? realloc(malloc(size / 2 + 1), size ? size : 1) :
		      how == 2 ? memalign(64, size) : malloc(size);
	CHECK(slot->block);
	slot->size = size;
	slot->tag = random_next(&work->random);
	memcpy(slot->block, &slot->tag, size < 8 ? size : 8);
	work->live_bytes += size;
}

static void run_operations(struct workload *work, size_chooser choose, size_t operations)
{
	for (size_t i = 0; i < operations; i++) {
		struct slot *slot = &work->slots[random_next(&work->random) % SLOTS];
		size_t size = choose(&work->random);

		if (i % 50000 == 0) {
			note_turn();
			work->goal_bytes = i / 50000 % 2 ? PEAK_MIB * MIB :
							   PEAK_MIB * MIB / 16;
		}
		if (slot->block || work->live_bytes + size > work->goal_bytes)
			put_slot(work, slot);
		else
			take_slot(work, slot, size);
	}
}

static void put_all(struct workload *work)
{
	for (size_t i = 0; i < SLOTS; i++)
		put_slot(work, &work->slots[i]);
}

/*
 * More than the peak will be: what caches and slabs in part use hold comes on top of what
 * is live. In large pieces that are returned: the frontier is open.
 */
static void warm_up(struct workload *work, size_chooser choose)
{
	static char *pieces[2 * WARM_MIB];

	for (size_t i = 0; i < 2 * WARM_MIB; i++) {
		CHECK((pieces[i] = malloc(MIB / 2)));
		memset(pieces[i], 1, MIB / 2);
	}
	for (size_t i = 0; i < 2 * WARM_MIB; i++)
		free(pieces[i]);
	run_operations(work, choose, OPERATIONS / 5);
}

static struct workload workload;

static void run_warm(size_chooser choose)
{
	catch_forbidden_calls();
	workload.random = 1;
	warm_up(&workload, choose);
	forbid_calls();
	run_operations(&workload, choose, OPERATIONS);
	put_all(&workload);
	run_operations(&workload, choose, OPERATIONS / 10);
}

static void warm_blocks_of_any_size_to_1_mib_need_no_call(void)
{
	run_warm(any_size);
}

static void warm_blocks_to_1024_bytes_need_no_call(void)
{
	run_warm(size_to_1024);
}

static void warm_blocks_of_1016_to_1024_bytes_need_no_call(void)
{
	run_warm(size_1016_to_1024);
}

static void warm_blocks_of_1025_to_8191_bytes_need_no_call(void)
{
	run_warm(size_1025_to_8191);
}

static void warm_blocks_of_8_kib_to_1_mib_need_no_call(void)
{
	run_warm(size_8_kib_to_1_mib);
}

/* One size after the other through the same memory: slabs change their class. */
static void warm_memory_changes_its_class_without_a_call(void)
{
	static const size_chooser choosers[] = { size_to_1024, size_1025_to_8191,
						 size_8_kib_to_1_mib, size_1016_to_1024 };

	catch_forbidden_calls();
	workload.random = 2;
	warm_up(&workload, any_size);
	put_all(&workload);
	forbid_calls();
	for (size_t i = 0; i < 12; i++) {
		run_operations(&workload, choosers[i % 4], OPERATIONS / 10);
		put_all(&workload);
	}
}

enum { RING = 512, PASSED = 300000 };

static char *ring[RING];
static atomic_size_t produced, consumed;

static void produce_some(size_t from, size_t to, uint64_t *random)
{
	for (size_t i = from; i < to; i++) {
		char *block = malloc(random_size(random, 9000));

		CHECK(block);
		while (i - atomic_load(&consumed) == RING)
			sched_yield();
		ring[i % RING] = block;
		atomic_store(&produced, i + 1);
	}
}

/* The filter is set in mid-stream, when the thread and its peer have met. */
static void *produce(void *unused)
{
	uint64_t random = 3;

	produce_some(0, PASSED / 3, &random);
	forbid_calls();
	produce_some(PASSED / 3, PASSED, &random);
	for (;;)
		sched_yield();
	return unused;
}

static void *consume(void *unused)
{
	for (size_t i = 0; i < PASSED; i++) {
		while (atomic_load(&produced) == i)
			sched_yield();
		free(ring[i % RING]);
		atomic_store(&consumed, i + 1);
		if (i == PASSED / 3)
			forbid_calls();
	}
	for (;;)
		sched_yield();
	return unused;
}

/* The end of a thread unmaps and wakes by itself, so no thread ends here. */
static void warm_blocks_freed_by_another_thread_need_no_call(void)
{
	pthread_t producer, consumer;

	catch_forbidden_calls();
	warm_up(&workload, any_size);
	put_all(&workload);
	start_thread(&producer, NULL, produce, NULL);
	start_thread(&consumer, NULL, consume, NULL);
	while (atomic_load(&consumed) < PASSED)
		sched_yield();
	_exit(0);
}

static const struct contract_case cases[] = {
	CASE(warm_blocks_of_any_size_to_1_mib_need_no_call),
	CASE(warm_blocks_to_1024_bytes_need_no_call),
	CASE(warm_blocks_of_1016_to_1024_bytes_need_no_call),
	CASE(warm_blocks_of_1025_to_8191_bytes_need_no_call),
	CASE(warm_blocks_of_8_kib_to_1_mib_need_no_call),
	CASE(warm_memory_changes_its_class_without_a_call),
	CASE(warm_blocks_freed_by_another_thread_need_no_call),
};

CONTRACT_MAIN(cases)

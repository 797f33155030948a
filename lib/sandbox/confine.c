/* SPDX-License-Identifier: MIT */
/*
 * confine.c - see confine.h. A list of calls that are allowed, as a seccomp(2) filter; what is not
 * in it gets EPERM, which every caller of ours takes for a refusal of the kernel's. doc/hakmem.7
 * lists the same calls; tests/lint compares.
 */
#include <config.h>

#include "sandbox/confine.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <linux/userfaultfd.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#include "os/kernel_abi.h"
#include "os/program.h"
#include "os/task.h"
#include "support/compiler.h"
#include "support/system_call.h"

/* All that the helper calls from its first tick on. */
static const uint16_t calls_of_work[] = {
	SYS_accept4, SYS_clock_gettime, SYS_clock_nanosleep, SYS_close, SYS_epoll_ctl,
	SYS_epoll_pwait, SYS_exit, SYS_exit_group, SYS_futex, SYS_get_mempolicy, SYS_getcpu,
	SYS_getpid, SYS_getppid, SYS_getsockopt, SYS_gettid, SYS_io_uring_enter, SYS_kcmp,
	SYS_madvise, SYS_mbind, SYS_membarrier, SYS_mincore, SYS_move_pages, SYS_mremap, SYS_msync,
	SYS_munmap, SYS_nanosleep, SYS_ppoll, SYS_pread64, SYS_process_madvise, SYS_read,
	SYS_recvfrom, SYS_restart_syscall, SYS_sched_getaffinity, SYS_sched_yield, SYS_sendto,
};

/* And before that. */
static const uint16_t calls_of_begin[] = {
	SYS_bind,
	SYS_chdir,
	SYS_clone,
	SYS_close_range,
	SYS_connect,
	SYS_epoll_create1,
	SYS_fchmodat,
	SYS_fstat,
	SYS_getdents64,
	SYS_geteuid,
	SYS_io_uring_register,
	SYS_io_uring_setup,
	SYS_listen,
	SYS_mkdirat,
	SYS_newfstatat,
	SYS_openat,
	SYS_pidfd_open,
	SYS_prctl,
	SYS_prlimit64,
	SYS_rt_sigprocmask,
	SYS_sched_getattr,
	SYS_sched_getscheduler,
	SYS_sched_setaffinity,
	SYS_sched_setattr,
	SYS_sched_setscheduler,
	SYS_seccomp,
	SYS_socket,
	SYS_unlinkat,
	SYS_unshare,
	SYS_userfaultfd,
};

/* 256 at most: jumps are that far. */
struct rules {
	struct sock_filter
		list[2 * (ARRAY_LENGTH(calls_of_work) + ARRAY_LENGTH(calls_of_begin)) + 64];
	unsigned short count;
};

static void confine_put(struct rules *rules, struct sock_filter rule)
{
	rules->list[rules->count++] = rule;
}

static void put_load(struct rules *rules, size_t offset)
{
	confine_put(rules,
		    (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static void put_answer(struct rules *rules, uint32_t answer)
{
	confine_put(rules, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, answer));
}

/* The next count rules are for value only. */
static void put_unless_skip(struct rules *rules, uint32_t value, unsigned count)
{
	confine_put(rules, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0,
							(uint8_t)count));
}

/* Of these some are withheld and others are not. */
static bool differs_by_argument(uint16_t call)
{
	return call == SYS_futex || call == SYS_madvise || call == SYS_clock_gettime ||
	       call == SYS_membarrier || call == SYS_prctl || call == SYS_clone;
}

static void put_calls(struct rules *rules, const uint16_t *calls, unsigned count)
{
	unsigned i;

	for (i = 0; i < count; i++) {
		/* Not even by liburing: EPERM comes before a supervisor is asked. */
		if (system_call_is_withheld(calls[i]) && !differs_by_argument(calls[i]))
			continue;
		put_unless_skip(rules, calls[i], 1);
		put_answer(rules, SECCOMP_RET_ALLOW);
	}
}

/* The low half of an argument; this machine's byte order is little-endian. */
static size_t argument(unsigned number)
{
	return offsetof(struct seccomp_data, args) + number * sizeof(uint64_t);
}

#define REFUSE	(SECCOMP_RET_ERRNO | EPERM)

/* Memory, but none that can be executed. */
static void put_unless_executable(struct rules *rules, uint32_t call)
{
	put_unless_skip(rules, call, 5);
	put_load(rules, argument(2));
	confine_put(rules, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, PROT_EXEC));
	put_unless_skip(rules, 0, 1);
	put_answer(rules, SECCOMP_RET_ALLOW);
	put_answer(rules, REFUSE);
}

/* userfaultfd's requests, by their type, and one of pagemap's. */
static void put_requests(struct rules *rules)
{
	put_unless_skip(rules, SYS_ioctl, 7);
	put_load(rules, argument(1));
	put_unless_skip(rules, (uint32_t)KERNEL_ABI_PAGE_SCAN, 1);
	put_answer(rules, SECCOMP_RET_ALLOW);
	confine_put(rules, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xff00));
	put_unless_skip(rules, (uint32_t)UFFDIO << 8, 1);
	put_answer(rules, SECCOMP_RET_ALLOW);
	put_answer(rules, REFUSE);
}

/* What on_stray_access:abort needs: its message, and the end of the program; kill(2) asks only. */
static void put_signals(struct rules *rules)
{
	put_unless_skip(rules, SYS_kill, 4);
	put_load(rules, argument(1));
	put_unless_skip(rules, 0, 1);
	put_answer(rules, SECCOMP_RET_ALLOW);
	put_answer(rules, REFUSE);
	put_unless_skip(rules, SYS_write, 4);
	put_load(rules, argument(0));
	put_unless_skip(rules, 2, 1);
	put_answer(rules, SECCOMP_RET_ALLOW);
	put_answer(rules, REFUSE);
	put_unless_skip(rules, SYS_tgkill, 6);
	put_load(rules, argument(0));
	put_unless_skip(rules, (uint32_t)program_id(), 3);
	put_load(rules, argument(2));
	put_unless_skip(rules, SIGABRT, 1);
	put_answer(rules, SECCOMP_RET_ALLOW);
	put_answer(rules, REFUSE);
}

static int set_filter(struct rules *rules)
{
	struct sock_fprog program = { rules->count, rules->list };

	return (int)system_call(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC,
				&program);
}

static int allow(bool begin)
{
	struct rules rules = { .count = 0 };

	put_load(&rules, offsetof(struct seccomp_data, arch));
	confine_put(&rules, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
							 KERNEL_ABI_MACHINE, 1, 0));
	put_answer(&rules, REFUSE);
	put_load(&rules, offsetof(struct seccomp_data, nr));
	put_calls(&rules, calls_of_work, ARRAY_LENGTH(calls_of_work));
	if (begin)
		put_calls(&rules, calls_of_begin, ARRAY_LENGTH(calls_of_begin));
	put_unless_executable(&rules, SYS_mmap);
	put_unless_executable(&rules, SYS_mprotect);
	put_requests(&rules);
	put_signals(&rules);
	put_answer(&rules, REFUSE);
	return set_filter(&rules);
}

/* capset(2) by hand: effective, permitted and inheritable sets of two words each. */
static int drop_capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { 0, 0, 0 }, { 0, 0, 0 } };

	return (int)system_call(SYS_capset, &head, none);
}

static _Atomic unsigned finished;	/* acq_rel: what the other opened is open */

int confine_begin(void)
{
	int rights_error, error, filter_error;

	/* All threads of the calling task: there, the program. */
	if (TASK_IS_THREAD)
		return 0;
	/* What one refuses another may do. */
	rights_error = drop_capabilities();
	error = (int)system_call(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1ul, 0ul, 0ul, 0ul);
	atomic_store_explicit(&finished, 0, memory_order_relaxed);
	filter_error = allow(true);
	error = error ? error : filter_error;
	return rights_error ? rights_error : error;
}

int confine_finish(void)
{
	if (TASK_IS_THREAD || atomic_fetch_add_explicit(&finished, 1, memory_order_acq_rel) == 0)
		return 0;
	return allow(false);
}

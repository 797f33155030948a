/* SPDX-License-Identifier: MIT */
/*
 * sandbox_calls.c - see sandbox_calls.h. Descriptors are -1, addresses NULL, lengths 0, where that
 * keeps the call from doing anything; what is done all the same is done to the task that asks. Not
 * here: mmap and munmap, which the loader has made already.
 */
#include <config.h>

#include "sandbox/sandbox_calls.h"

#include <fcntl.h>
#include <linux/kcmp.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <linux/mempolicy.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <linux/userfaultfd.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "os/kernel_abi.h"
#include "os/task.h"
#include "support/system_call.h"

#include <kmod-free-helpers/kernel_abi.h>

#define NOBODY		0x7fffffffl	/* larger than any process id */
#define NONE		(-1l)
#define ODD		1l		/* where no futex can be */
#define HERE		((long)AT_FDCWD)
#define SIGNAL_BYTES	8l		/* the kernel's sigset_t */

static const uint64_t all_signals = ~(uint64_t)0;
static const struct timespec no_time;

#define CALL(name, ...)		{ #name, SYS_##name, SANDBOX_ANY, { __VA_ARGS__ } }
#define BY(place, name, ...)	{ #name, SYS_##name, place, { __VA_ARGS__ } }

const struct sandbox_call sandbox_calls[] = {
	[SANDBOX_KILL] = BY(1, kill, NOBODY, SIGKILL),
	[SANDBOX_KILL_THREAD] = BY(2, tgkill, NOBODY, NOBODY, SIGKILL),
	[SANDBOX_NAP] = CALL(nanosleep, (long)&no_time, 0),
	[SANDBOX_FUTEX_WAIT] = BY(1, futex, ODD, FUTEX_WAIT, 0, 0, 0, 0),
	[SANDBOX_FUTEX_WAKE] = BY(1, futex, ODD, FUTEX_WAKE, 1, 0, 0, 0),
	[SANDBOX_WAIT] = CALL(wait4, NOBODY, 0, __WALL, 0),
	[SANDBOX_BLOCK_SIGNALS] =
		CALL(rt_sigprocmask, SIG_BLOCK, (long)&all_signals, 0, SIGNAL_BYTES),
	[SANDBOX_PARENT] = CALL(getppid, 0),
	[SANDBOX_SLEEP] = BY(1, futex, ODD, FUTEX_WAIT_PRIVATE, 0, 0, 0, 0),
	[SANDBOX_RING] = BY(1, futex, ODD, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0),
	[SANDBOX_WIPE] = BY(2, madvise, 0, 0, MADV_WIPEONFORK),
	[SANDBOX_RELEASE] = BY(2, madvise, 0, 0, MADV_DONTNEED),

	[SANDBOX_CLOSE_RANGE] = CALL(close_range, 0xffffffffl, 0xffffffffl, CLOSE_RANGE_UNSHARE),
	[SANDBOX_UNSHARE] = CALL(unshare, CLONE_FILES),

	[SANDBOX_TASK] = BY(0, clone, (long)TASK_FLAGS),
	[SANDBOX_THREAD] = BY(0, clone, (long)TASK_THREAD_FLAGS),
	[SANDBOX_TASK_BY_CLONE3] = CALL(clone3, 0, 0),
	[SANDBOX_THREAD_BY_CLONE3] = CALL(clone3, 0, 0),
	[SANDBOX_TASK_APART] = BY(0, clone, (long)TASK_APART_FLAGS),

	/*
	 * Its task. Memory is opened by other protections: the loader has, so that is not withheld.
	 */
	BY(2, mprotect, 0, 0, PROT_NONE),
	BY(2, mprotect, 0, 0, PROT_READ),
	CALL(getpid, 0),
	CALL(gettid, 0),
	CALL(geteuid, 0),
	CALL(sched_yield, 0),
	BY(0, clock_gettime, CLOCK_MONOTONIC, 0),
	BY(0, clock_gettime, CLOCK_THREAD_CPUTIME_ID, 0),
	BY(0, prctl, PR_SET_NAME, 0, 0, 0, 0),
	BY(0, prctl, PR_SET_TIMERSLACK, 0, 0, 0, 0),
	BY(0, prctl, PR_GET_TID_ADDRESS, 0, 0, 0, 0),
	BY(0, prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
	CALL(prlimit64, 0, RLIMIT_NPROC, 0, 0),
	CALL(prlimit64, 0, RLIMIT_NOFILE, 0, 0),
	CALL(openat, HERE, 0, O_RDONLY | O_CLOEXEC, 0),
	CALL(openat, HERE, 0, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0),
	CALL(read, NONE, 0, 0),
	CALL(pread64, NONE, 0, 0, 0),
	CALL(close, NONE),
	CALL(write, NONE, 0, 0),
	CALL(fstat, NONE, 0),
	CALL(newfstatat, HERE, 0, 0, 0),
	CALL(getdents64, NONE, 0, 0),
	CALL(ppoll, 0, 0, (long)&no_time, 0, SIGNAL_BYTES),
	CALL(setsid, 0),
	CALL(chdir, 0),

	/* Memory. */
	BY(2, madvise, 0, 0, MADV_DONTNEED_LOCKED),
	BY(2, madvise, 0, 0, MADV_POPULATE_WRITE),
	BY(2, madvise, 0, 0, MADV_HUGEPAGE),
	BY(2, madvise, 0, 0, MADV_NOHUGEPAGE),
	BY(2, madvise, 0, 0, MADV_COLD),
	BY(2, madvise, 0, 0, MADV_DONTFORK),
	BY(2, madvise, 0, 0, MADV_DONTDUMP),
	BY(2, madvise, 0, 0, MADV_NORMAL),
	BY(2, madvise, 0, 0, MADV_GUARD_INSTALL),
	BY(2, madvise, 0, 0, MADV_GUARD_REMOVE),
	CALL(mremap, 0, 0, 0, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, 0),
	CALL(msync, 0, 0, MS_ASYNC),
	CALL(mincore, 0, 0, 0),
	BY(0, membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0),
	BY(0, membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0),
	CALL(pidfd_open, NOBODY, 0),
	CALL(process_madvise, NONE, 0, 0, MADV_DONTNEED, 0),
	CALL(userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY),
	BY(1, ioctl, NONE, USERFAULTFD_IOC_NEW, 0),
	BY(1, ioctl, NONE, UFFDIO_API, 0),
	BY(1, ioctl, NONE, UFFDIO_REGISTER, 0),
	BY(1, ioctl, NONE, UFFDIO_UNREGISTER, 0),
	BY(1, ioctl, NONE, UFFDIO_WAKE, 0),
	BY(1, ioctl, NONE, UFFDIO_COPY, 0),
	BY(1, ioctl, NONE, (long)KERNEL_ABI_UFFDIO_MOVE, 0),
	BY(1, ioctl, NONE, (long)KERNEL_ABI_PAGE_SCAN, 0),
	CALL(io_uring_setup, 32, 0),
	CALL(io_uring_enter, NONE, 0, 0, 0, 0, 0),
	CALL(io_uring_register, NONE, 0, 0, 0),

	/* Where it runs, and where memory is. */
	CALL(getcpu, 0, 0, 0),
	CALL(sched_getaffinity, 0, 0, 0),
	CALL(sched_setaffinity, 0, 0, 0),
	CALL(sched_getscheduler, 0),
	CALL(sched_setscheduler, 0, SCHED_OTHER, 0),
	CALL(sched_getattr, 0, 0, 0, 0),
	CALL(sched_setattr, 0, 0, 0),
	CALL(get_mempolicy, 0, 0, 0, 0, 0),
	CALL(mbind, 0, 0, MPOL_PREFERRED, 0, 0, 0),
	CALL(move_pages, 0, 0, 0, 0, 0, 0),

	/* Whether the program is there. */
	CALL(kcmp, NOBODY, NOBODY, KCMP_VM, 0, 0),
	BY(1, kill, NOBODY, 0),
	BY(2, tgkill, NOBODY, NOBODY, SIGABRT),

	/* Its socket. */
	CALL(socket, AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
	CALL(bind, NONE, 0, 0),
	CALL(listen, NONE, 0),
	CALL(connect, NONE, 0, 0),
	CALL(accept4, NONE, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC),
	CALL(getsockopt, NONE, SOL_SOCKET, SO_PEERCRED, 0, 0),
	CALL(recvfrom, NONE, 0, 0, MSG_DONTWAIT | MSG_TRUNC, 0, 0),
	CALL(sendto, NONE, 0, 0, MSG_DONTWAIT | MSG_NOSIGNAL, 0, 0),
	CALL(epoll_create1, EPOLL_CLOEXEC),
	CALL(epoll_ctl, NONE, EPOLL_CTL_ADD, NONE, 0),
	CALL(epoll_pwait, NONE, 0, 1, 0, 0, SIGNAL_BYTES),
	CALL(mkdirat, HERE, 0, 0700),
	CALL(unlinkat, HERE, 0, 0),
	CALL(fchmodat, HERE, 0, 0600),

	/* Last: what it gives up. */
	CALL(capset, 0, 0),
	BY(0, seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, 0),
};

const unsigned sandbox_calls_count = ARRAY_LENGTH(sandbox_calls);

_Static_assert(ARRAY_LENGTH(sandbox_calls) <= SANDBOX_CALLS_MOST, "there is a result for each");

/* SPDX-License-Identifier: MIT */
/* Is each refusal reported with its errno and likely cause, one rung down? */
#include <config.h>

#include "tests/kernel/kernel_test.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "kmod-free-helpers/kernel_abi.h"

/* One system call refused; command: of ioctl, or 0 for any. */
static void refuse(unsigned int number, unsigned int command, unsigned int error)
{
	struct sock_filter rules[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 2),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, command, 1, command ? 0 : 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
	};
	struct sock_fprog program = { .len = 6, .filter = rules };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		skip("seccomp filters are not to be had");
}

static void expect_reason(const struct fault_probe *probe, const char *part)
{
	expect(strstr(probe->reason, part), "\"%s\" in \"%s\"", part, probe->reason);
}

static _Noreturn void refuse_userfaultfd(unsigned int error, const char *name)
{
	struct fault_probe probe;

	/* The device would be the way around, and is root's. */
	expect(!setresuid(65534, 65534, 65534), "setresuid");
	prctl(PR_SET_DUMPABLE, 1);
	refuse(SYS_userfaultfd, 0, error);
	fault_probe_run(&probe);
	expect(probe.way == FAULT_PROBE_NONE, "%s", probe.reason);
	expect(probe.error == -(int)error, "error %d", probe.error);
	expect_reason(&probe, "userfaultfd: ");
	expect_reason(&probe, name);
	expect_reason(&probe, "seccomp");
	_exit(0);
}

static _Noreturn void go_by_the_device(void)
{
	struct fault_probe probe;

	if (access("/dev/userfaultfd", R_OK | W_OK))
		_exit(0);
	refuse(SYS_userfaultfd, 0, EPERM);
	fault_probe_run(&probe);
	expect(probe.way <= FAULT_PROBE_COPY, "%s", probe.reason);
	expect_reason(&probe,
		      probe.way == FAULT_PROBE_MOVE ? "/dev/userfaultfd" : "MOVE");
	_exit(0);
}

static _Noreturn void refuse_move(void)
{
	struct fault_probe probe;

	refuse(SYS_ioctl, (unsigned int)KERNEL_ABI_UFFDIO_MOVE, EINVAL);
	fault_probe_run(&probe);
	expect(probe.way == FAULT_PROBE_COPY, "%s", probe.reason);
	/* A kernel that has it not says so before it is asked. */
	expect_reason(&probe, kernel_is_since(6, 8) ? "UFFDIO_MOVE: EINVAL" :
						      "UFFDIO_MOVE: EOPNOTSUPP");
	_exit(0);
}

static _Noreturn void refuse_move_and_copy(void)
{
	struct fault_probe probe;

	refuse(SYS_ioctl, (unsigned int)KERNEL_ABI_UFFDIO_MOVE, EINVAL);
	refuse(SYS_ioctl, (unsigned int)UFFDIO_COPY, EPERM);
	fault_probe_run(&probe);
	expect(probe.way == FAULT_PROBE_NONE, "%s", probe.reason);
	expect_reason(&probe, "UFFDIO_COPY: EPERM");
	_exit(0);
}

int main(void)
{
	pid_t child;

	if (geteuid() != 0)
		skip("needs root, to become nobody");
	require_way(FAULT_PROBE_COPY);
	child = fork();
	if (child == 0)
		refuse_userfaultfd(EPERM, "EPERM");
	expect_child(child);
	child = fork();
	if (child == 0)
		refuse_userfaultfd(ENOSYS, "ENOSYS");
	expect_child(child);
	child = fork();
	if (child == 0)
		go_by_the_device();
	expect_child(child);
	child = fork();
	if (child == 0)
		refuse_move();
	expect_child(child);
	child = fork();
	if (child == 0)
		refuse_move_and_copy();
	expect_child(child);
	return 0;
}

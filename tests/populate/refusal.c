/* SPDX-License-Identifier: MIT */
/*
 * See refusal.h. Filters are for the machine that the tests run on; they look at numbers of
 * calls and, for the device and threads, at one argument.
 */
#include <errno.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/userfaultfd.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/contract/case.h"
#include "tests/populate/refusal.h"

#define MOVE_REQUEST	0xc028aa05u	/* UFFDIO_MOVE, which older headers do not have */
#define DEVICE_REQUEST	0x0000aa00u	/* USERFAULTFD_IOC_NEW */
#define NOBODY		65534

#define LOAD(field)	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define IF(value, yes, no)	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, yes, no)
#define IF_BIT(bit, yes, no)	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bit, yes, no)
#define RETURN(value)	BPF_STMT(BPF_RET | BPF_K, value)
#define ERROR(error)	RETURN(SECCOMP_RET_ERRNO | (error))
#define ALLOW		RETURN(SECCOMP_RET_ALLOW)

static void install(struct sock_filter *lines, size_t count)
{
	struct sock_fprog program = { .len = (unsigned short)count, .filter = lines };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		contract_skip("seccomp filters are refused here: %s", strerror(errno));
}

#define INSTALL(lines) install(lines, sizeof(lines) / sizeof(*(lines)))

static void refuse_call(unsigned int call, unsigned int error)
{
	struct sock_filter lines[] = { LOAD(nr), IF(call, 0, 1), ERROR(error), ALLOW };

	INSTALL(lines);
}

static void refuse_ioctl(unsigned int request, unsigned int error)
{
	struct sock_filter lines[] = { LOAD(nr),	  IF(SYS_ioctl, 0, 3), LOAD(args[1]),
				       IF(request, 0, 1), ERROR(error),	       ALLOW };

	INSTALL(lines);
}

/* clone3 hides its flags in memory; without it glibc falls back to clone. */
static void refuse_threads(void)
{
	struct sock_filter lines[] = { LOAD(nr),
				       IF(SYS_clone, 0, 3),
				       LOAD(args[0]),
				       IF_BIT(CLONE_THREAD, 0, 1),
				       ERROR(EPERM),
				       ALLOW };

	refuse_call(SYS_clone3, ENOSYS);
	INSTALL(lines);
}

void refuse(enum refusal refusal)
{
	switch (refusal) {
	case REFUSE_MOVE:
		refuse_ioctl(MOVE_REQUEST, EINVAL);
		break;
	case REFUSE_USERFAULTFD_EPERM:
		refuse_ioctl(DEVICE_REQUEST, ENOTTY);
		refuse_call(SYS_userfaultfd, EPERM);
		break;
	case REFUSE_USERFAULTFD_ENOSYS:
		refuse_ioctl(DEVICE_REQUEST, ENOTTY);
		refuse_call(SYS_userfaultfd, ENOSYS);
		break;
	case REFUSE_RING:
		refuse_call(SYS_io_uring_setup, EPERM);
		break;
	case REFUSE_THREADS:
		refuse_threads();
		break;
	case REFUSE_NOTHING:
	case REFUSALS:
		break;
	}
}

static void become_nobody(void)
{
	if (geteuid())
		contract_skip("only root can become nobody");
	CHECK(!setgroups(0, NULL) && !setresgid(NOBODY, NOBODY, NOBODY) &&
	      !setresuid(NOBODY, NOBODY, NOBODY));
	if (access(contract_library(), R_OK) || access("/proc/self/exe", R_OK | X_OK))
		contract_skip("nobody cannot read the build");
}

void run_refused(enum refusal refusal, bool as_nobody, const char *part)
{
	static char self[] = "/proc/self/exe";
	char *argv[] = { self, (char *)part, NULL };
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		alarm(CONTRACT_LIMIT_S);
		if (as_nobody)
			become_nobody();
		setenv("HAKMEM_OPTIONS", "helpers:always", 1);
		refuse(refusal);
		execv(self, argv);
		contract_skip("%s cannot be started: %s", part, strerror(errno));
	}
	CHECK_THAT(pid > 0 && waitpid(pid, &status, 0) == pid, "fork: %s",
		   strerror(errno));
	if (WIFEXITED(status) && WEXITSTATUS(status) == CONTRACT_SKIPPED)
		_exit(CONTRACT_SKIPPED);
	CHECK_THAT(WIFEXITED(status) && WEXITSTATUS(status) == 0,
		   "%s with refusal %d%s: status %#x", part, (int)refusal,
		   as_nobody ? " as nobody" : "", (unsigned int)status);
}

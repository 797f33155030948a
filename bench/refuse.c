/* SPDX-License-Identifier: MIT */
/*
 * refuse [--preload LIBRARY] WHAT... -- COMMAND runs a command for which the kernel does
 * without one of its facilities, by a seccomp filter: each rung of the ladder of fallbacks
 * that hakmem has. A preloaded shim would not see system calls that a library makes by
 * itself. The command finds Seccomp: 2 in its /proc/self/status.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define UFFDIO_MOVE_REQUEST 0xc028aa05U

enum test { ALWAYS, REQUEST_IS, FLAGS_HAVE };

/* A call that fails, always or by its first or second argument. */
struct refusal {
	const char *what;
	uint32_t number;
	enum test test;
	uint32_t operand;
	uint32_t error;
};

/*
 * Threads: clone3 hides its flags in memory, where a filter cannot look; refused with
 * ENOSYS, the C library falls back to clone. fork stays allowed.
 */
static const struct refusal refusals[] = {
	{ "userfaultfd", SYS_userfaultfd, ALWAYS, 0, EPERM },
	{ "move", SYS_ioctl, REQUEST_IS, UFFDIO_MOVE_REQUEST, EINVAL },
	{ "io_uring", SYS_io_uring_setup, ALWAYS, 0, EPERM },
	{ "mbind", SYS_mbind, ALWAYS, 0, EPERM },
	{ "threads", SYS_clone3, ALWAYS, 0, ENOSYS },
	{ "threads", SYS_clone, FLAGS_HAVE, CLONE_THREAD, EAGAIN },
};

enum {
	REFUSALS = sizeof(refusals) / sizeof(refusals[0]),
	MOST_INSTRUCTIONS = 6 * REFUSALS + 8,
};

static struct sock_filter code[MOST_INSTRUCTIONS];
static unsigned short code_length;

static void fail(const char *what)
{
	fprintf(stderr, "refuse: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void add(unsigned int operation, uint32_t operand, unsigned int if_true,
		unsigned int if_false)
{
	code[code_length++] = (struct sock_filter){ (unsigned short)operation,
						    (unsigned char)if_true,
						    (unsigned char)if_false, operand };
}

/* Every refusal begins with the call's number loaded, and leaves it so. */
static void add_refusal(const struct refusal *refusal)
{
	const size_t low_half = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0;
	const size_t first = offsetof(struct seccomp_data, args) + low_half;
	const unsigned int load = BPF_LD | BPF_W | BPF_ABS;

	switch (refusal->test) {
	case ALWAYS:
		add(BPF_JMP | BPF_JEQ | BPF_K, refusal->number, 0, 1);
		break;
	case REQUEST_IS:
		add(BPF_JMP | BPF_JEQ | BPF_K, refusal->number, 0, 3);
		add(load, (uint32_t)(first + sizeof(uint64_t)), 0, 0);
		add(BPF_JMP | BPF_JEQ | BPF_K, refusal->operand, 0, 1);
		break;
	case FLAGS_HAVE:
		add(BPF_JMP | BPF_JEQ | BPF_K, refusal->number, 0, 3);
		add(load, (uint32_t)first, 0, 0);
		add(BPF_JMP | BPF_JSET | BPF_K, refusal->operand, 0, 1);
		break;
	}
	add(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | refusal->error, 0, 0);
	add(load, offsetof(struct seccomp_data, nr), 0, 0);
}

static void add_what(const char *what)
{
	bool known = false;

	for (unsigned int i = 0; i < REFUSALS; i++) {
		if (strcmp(refusals[i].what, what))
			continue;
		known = true;
		if (code_length + 6U >= MOST_INSTRUCTIONS) {
			errno = E2BIG;
			fail(what);
		}
		add_refusal(&refusals[i]);
	}
	if (!known) {
		errno = EINVAL;
		fail(what);
	}
}

static void install(void)
{
	struct sock_fprog filter = { code_length, code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter))
		fail("the kernel refuses the filter");
}

int main(int argc, char **argv)
{
	const char *preload = NULL;
	int at = 1;

	if (argc > 2 && !strcmp(argv[1], "--preload")) {
		preload = argv[2];
		at = 3;
	}
	add(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
	for (; at < argc && strcmp(argv[at], "--"); at++)
		add_what(argv[at]);
	if (at + 1 >= argc) {
		fprintf(stderr, "usage: refuse [--preload LIBRARY] WHAT... -- COMMAND\n");
		return 2;
	}
	add(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
	if (preload && *preload && setenv("LD_PRELOAD", preload, 1))
		fail("setenv");
	install();
	execvp(argv[at + 1], argv + at + 1);
	fail(argv[at + 1]);
}

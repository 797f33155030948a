/* SPDX-License-Identifier: MIT */
/*
 * Takes away from a process what a kernel or a container may refuse, by seccomp filters, and
 * runs a part of the program that way. One rung of the ladder (DESIGN 10) each.
 */
#ifndef TESTS_POPULATE_REFUSAL_H
#define TESTS_POPULATE_REFUSAL_H

#include <stdbool.h>

enum refusal {
	REFUSE_NOTHING,
	REFUSE_MOVE,			/* EINVAL, as before 6.8 */
	REFUSE_USERFAULTFD_EPERM,	/* the system call and the device */
	REFUSE_USERFAULTFD_ENOSYS,
	REFUSE_RING,			/* io_uring_setup: EPERM */
	REFUSE_THREADS,			/* clone with CLONE_THREAD: EPERM */
	REFUSALS
};

/* For this thread and what it starts from now on. Skips where filters are refused. */
void refuse(enum refusal refusal);

/*
 * Runs a PART in a fresh process under the filter, with helpers:always; as_nobody: without
 * privileges (skips unless root runs it). Fails the case unless the part exits with 0.
 */
void run_refused(enum refusal refusal, bool as_nobody, const char *part);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * refuse [--preload LIBRARY] WHAT... -- COMMAND runs a command for which the kernel does
 * without some of its facilities (tests/refused/filter.h): each rung of the ladder of
 * fallbacks that hakmem has. A preloaded shim would not see system calls that a library makes
 * by itself. The command finds Seccomp: 2 in its /proc/self/status.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/refused/filter.h"

static void fail(const char *what)
{
	fprintf(stderr, "refuse: %s: %s\n", what, strerror(errno));
	exit(2);
}

static int usage(void)
{
	fprintf(stderr, "usage: refuse [--preload LIBRARY] WHAT... -- COMMAND\n"
		"WHAT, or WHAT=EPERM, =ENOSYS, =kill: %s\n", filter_facilities());
	return 2;
}

int main(int argc, char **argv)
{
	static struct filter filter;
	const char *preload = NULL;
	int at = 1;

	if (argc > 2 && !strcmp(argv[1], "--preload")) {
		preload = argv[2];
		at = 3;
	}
	for (; at < argc && strcmp(argv[at], "--"); at++)
		if (!filter_add(&filter, argv[at]))
			return usage();
	if (at + 1 >= argc)
		return usage();
	if (preload && *preload && setenv("LD_PRELOAD", preload, 1))
		fail("setenv");
	if (!filter_install(&filter))
		fail("the kernel refuses the filter");
	execvp(argv[at + 1], argv + at + 1);
	fail(argv[at + 1]);
}

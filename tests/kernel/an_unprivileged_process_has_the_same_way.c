/* SPDX-License-Identifier: MIT */
/* Does an unprivileged process have the same way as a privileged one? */
#include <config.h>

#include "tests/kernel/kernel_test.h"

#include <sys/prctl.h>

#define NOBODY 65534

static _Noreturn void be_nobody(enum fault_probe_way expected)
{
	struct fault_probe probe;

	expect(!setresgid(NOBODY, NOBODY, NOBODY), "setresgid: %s", strerror(errno));
	expect(!setresuid(NOBODY, NOBODY, NOBODY), "setresuid: %s", strerror(errno));
	/* A process that changed its user may not read its own /proc until then. */
	prctl(PR_SET_DUMPABLE, 1);
	fault_probe_run(&probe);
	expect(probe.way == expected, "as nobody: %s", probe.reason);
	_exit(0);
}

int main(void)
{
	struct fault_probe probe;
	pid_t child;

	if (geteuid() != 0)
		skip("needs root, to become nobody");
	fault_probe_run(&probe);
	if (probe.way == FAULT_PROBE_NONE)
		skip(probe.reason);
	child = fork();
	if (child == 0)
		be_nobody(probe.way);
	expect_child(child);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * See refusal.h; the filters are tests/refused/filter's.
 */
#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/contract/case.h"
#include "tests/populate/refusal.h"
#include "tests/refused/filter.h"

#define NOBODY		65534

static const char *const facilities[REFUSALS] = {
	[REFUSE_MOVE] = "move",
	[REFUSE_USERFAULTFD_EPERM] = "userfaultfd",
	[REFUSE_USERFAULTFD_ENOSYS] = "userfaultfd=ENOSYS",
	[REFUSE_RING] = "io_uring",
	[REFUSE_THREADS] = "threads=EPERM",
};

void refuse(enum refusal refusal)
{
	struct filter filter = { .length = 0 };

	if (!facilities[refusal])
		return;
	CHECK(filter_add(&filter, facilities[refusal]));
	if (!filter_install(&filter))
		contract_skip("seccomp filters are refused here: %s", strerror(errno));
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

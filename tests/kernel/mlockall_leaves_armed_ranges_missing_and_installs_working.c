/* SPDX-License-Identifier: MIT */
/* After mlockall: is an armed range still missing, and can it still be filled? */
#include <config.h>

#include "tests/kernel/kernel_test.h"

static _Noreturn void try_flags(int flags)
{
	struct staged_range staged;
	struct fault_service service;
	struct fault_install done;
	struct staging staging;
	char *to;
	int error;

	alarm(20);
	open_service(&service, 0);
	to = arm_range(&service, 2 * HUGE_PAGE);
	if (mlockall(flags))
		skip("mlockall is refused");
	expect(resident_pages(to, 2 * HUGE_PAGE) == 0, "mlockall filled an armed range");
	/* Opened after it, so that one of the two may be locked and the other not. */
	error = staging_open(&staging, 1, 0, STAGING_ANY_NODE);
	if (error == -EAGAIN)
		skip("the limit on locked memory is too low");
	expect(!error, "staging_open: %s", strerror(-error));
	staging_refill(&staging, STAGING_HUGE, 1, 1);
	expect(staging_take(&staging, STAGING_HUGE, &staged), "nothing was ready");
	error = fault_service_move(&service, to, staged.start, HUGE_PAGE, &done);
	expect(!error || error == -EINVAL || error == -EOPNOTSUPP, "move: %s",
	       strerror(-error));
	if (error)
		error = fault_service_copy(&service, to, staged.start, HUGE_PAGE, &done);
	expect(!error, "copy: %s", strerror(-error));
	expect(is_filled_with(to, HUGE_PAGE, 0), "wrong contents");
	expect(!fault_service_mend(to), "fault_service_mend");
	expect(resident_pages(to, HUGE_PAGE) == 0, "locked pages were not dropped");
	_exit(0);
}

int main(void)
{
	const int flags[] = { MCL_CURRENT, MCL_FUTURE, MCL_CURRENT | MCL_FUTURE };

	require_way(FAULT_PROBE_COPY);
	for (unsigned int i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		pid_t child = fork();

		if (child == 0)
			try_flags(flags[i]);
		expect_child(child);
	}
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* Is a page shared with a fork's child refused with EBUSY, and copied instead? */
#include <config.h>

#include "tests/kernel/kernel_test.h"

int main(void)
{
	char *from = map_range(HUGE_PAGE), *to;
	struct fault_service service;
	struct fault_install done;
	pid_t child;
	int error;

	require_way(FAULT_PROBE_MOVE);
	open_service(&service, 0);
	to = arm_range(&service, HUGE_PAGE);
	madvise(from, HUGE_PAGE, MADV_NOHUGEPAGE);
	memset(from, 6, HUGE_PAGE);
	child = fork();
	if (child == 0)
		_exit(0);
	expect_child(child);

	/* Written again, the first half is ours alone and moves; the rest does not. */
	for (size_t offset = 0; offset < HUGE_PAGE / 2; offset += PAGE)
		from[offset] = 6;
	error = fault_service_move(&service, to, from, HUGE_PAGE, &done);
	expect(error == -EBUSY, "fault_service_move: %d", error);
	expect(done.installed_bytes == HUGE_PAGE / 2, "moved %zu", done.installed_bytes);
	error = fault_service_copy(&service, to + done.installed_bytes,
				   from + done.installed_bytes,
				   HUGE_PAGE - done.installed_bytes, &done);
	expect(!error, "fault_service_copy: %s", strerror(-error));
	expect(is_filled_with(to, HUGE_PAGE, 6), "wrong contents");
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* Can a range be lent as a source, and move with its old contents, unzeroed? */
#include <config.h>

#include "tests/kernel/kernel_test.h"

int main(void)
{
	struct fault_service service;
	struct staged_range staged;
	struct fault_install done;
	struct staging staging;
	char *old = map_range(HUGE_PAGE), *to;
	int error;

	require_way(FAULT_PROBE_MOVE);
	open_service(&service, 0);
	to = arm_range(&service, HUGE_PAGE);
	expect(!staging_open(&staging, 1, 0, STAGING_ANY_NODE), "staging_open");
	memset(old, 7, HUGE_PAGE);
	/* The source is armed as well, as a released superslab's range is. */
	expect(!fault_service_arm(&service, old, HUGE_PAGE), "not armed");
	expect(!staging_recycle(&staging, STAGING_HUGE, old), "not recycled");
	expect(!staging_take(&staging, STAGING_HUGE, true, &staged),
	       "old contents given as zeroed");
	expect(staging_take(&staging, STAGING_HUGE, false, &staged), "nothing to take");
	expect(staged.lent && !staged.zeroed && staged.start == old,
	       "not the lent range");
	error = fault_service_move(&service, to, staged.start, HUGE_PAGE, &done);
	expect(!error, "fault_service_move: %s", strerror(-error));
	staging_put(&staging, STAGING_HUGE, &staged, done.installed_bytes);
	expect(!staging_take(&staging, STAGING_HUGE, false, &staged), "lent once only");
	expect(is_filled_with(to, HUGE_PAGE, 7), "wrong contents");
	expect(resident_pages(old, HUGE_PAGE) == 0, "pages stayed behind");
	return 0;
}

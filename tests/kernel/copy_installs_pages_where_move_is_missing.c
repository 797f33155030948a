/* SPDX-License-Identifier: MIT */
/* Without MOVE, does COPY fill a range, and MOVE say that it is not there? */
#include <config.h>

#include "tests/kernel/kernel_test.h"

int main(void)
{
	char *from = map_range(HUGE_PAGE), *to;
	struct fault_service service;
	struct fault_install done;
	int error;

	require_way(FAULT_PROBE_COPY);
	open_service(&service, FAULT_SERVICE_WITHOUT_MOVE);
	expect(!fault_service_has_move(&service), "MOVE was granted unasked");
	to = arm_range(&service, HUGE_PAGE);
	memset(from, 0x22, HUGE_PAGE);
	error = fault_service_move(&service, to, from, HUGE_PAGE, &done);
	expect(error == -EOPNOTSUPP, "fault_service_move: %d", error);

	/* One page is there before, with other contents, and must be left alone. */
	error = fault_service_copy(&service, to + 8 * PAGE, service.zero_page, PAGE,
				   &done);
	expect(!error, "fault_service_copy: %s", strerror(-error));
	error = fault_service_copy(&service, to, from, HUGE_PAGE, &done);
	expect(!error, "fault_service_copy: %s", strerror(-error));
	expect(done.installed_bytes == HUGE_PAGE - PAGE, "copied %zu",
	       done.installed_bytes);
	expect(done.existing_bytes == PAGE, "existing %zu", done.existing_bytes);
	expect(is_filled_with(to, 8 * PAGE, 0x22), "wrong contents");
	expect(is_filled_with(to + 8 * PAGE, PAGE, 0), "a page was overwritten");
	expect(is_filled_with(to + 9 * PAGE, HUGE_PAGE - 9 * PAGE, 0x22),
	       "wrong contents");
	return 0;
}

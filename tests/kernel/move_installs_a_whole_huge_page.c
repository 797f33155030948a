/* SPDX-License-Identifier: MIT */
/* Does a staged huge page arrive whole, in a fresh range and in a used one? */
#include <config.h>

#include "tests/kernel/kernel_test.h"

static void move_one(struct fault_service *service, struct staging *staging, char *to)
{
	struct staged_range staged;
	struct fault_install done;
	int error;

	expect(staging_refill(staging, STAGING_HUGE, 1, 1) == 1, "nothing was staged");
	expect(staging_take(staging, STAGING_HUGE, &staged), "nothing was ready");
	expect(huge_kib(staged.start) == 2048, "staged small: %ld",
	       huge_kib(staged.start));
	memset(staged.start, 0x11, HUGE_PAGE);
	error = fault_service_move(service, to, staged.start, HUGE_PAGE, &done);
	expect(!error, "fault_service_move: %s", strerror(-error));
	expect(done.installed_bytes == HUGE_PAGE, "moved %zu", done.installed_bytes);
	staging_put(staging, STAGING_HUGE, &staged, done.installed_bytes);
	expect(is_filled_with(to, HUGE_PAGE, 0x11), "contents did not come along");
	expect(huge_kib(to) == 2048, "arrived split: %ld KiB huge", huge_kib(to));
	expect(resident_pages(staged.start, HUGE_PAGE) == 0, "pages stayed behind");
}

/* Small pages installed and dropped one by one leave an empty page table in to. */
static void leave_a_page_table(struct fault_service *service, char *to)
{
	struct fault_install done;

	expect(!fault_service_copy(service, to, service->zero_page, PAGE, &done), "no copy");
	expect(madvise(to, PAGE, MADV_DONTNEED) == 0, "madvise");
}

int main(void)
{
	struct fault_service service;
	struct staging staging;
	char *to;

	require_way(FAULT_PROBE_MOVE);
	require_huge_pages();
	open_service(&service, 0);
	expect(!staging_open(&staging, 2, 0, STAGING_ANY_NODE), "staging_open");
	to = arm_range(&service, HUGE_PAGE);
	move_one(&service, &staging, to);

	/* Before, the page table stays, and a huge page is split to go into it. */
	if (!kernel_is_since(6, 14))
		return 0;
	expect(!fault_service_mend(to), "fault_service_mend");
	expect(resident_pages(to, HUGE_PAGE) == 0, "mending left pages");
	leave_a_page_table(&service, to);
	expect(!fault_service_mend(to), "fault_service_mend");
	move_one(&service, &staging, to);
	return 0;
}

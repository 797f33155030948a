/* SPDX-License-Identifier: MIT */
/* After a fork: are the child's ranges plain, and does the parent's service go on? */
#include <config.h>

#include "tests/kernel/kernel_test.h"

static _Noreturn void be_the_child(const char *range)
{
	/* Nobody would answer: a range still armed here would hang until the alarm. */
	alarm(20);
	for (size_t offset = 0; offset < HUGE_PAGE; offset += PAGE)
		((volatile char *)range)[offset] = 3;
	_exit(is_filled_with(range + PAGE, 1, 3) ? 0 : 1);
}

int main(void)
{
	char *from = map_range(HUGE_PAGE), *range;
	struct fault_service service;
	struct fault_stray stray;
	struct fault_install done;
	pid_t child;

	require_way(FAULT_PROBE_COPY);
	open_service(&service, 0);
	range = arm_range(&service, HUGE_PAGE);
	child = fork();
	if (child == 0)
		be_the_child(range);
	expect_child(child);
	expect(fault_service_read_strays(&service, &stray, 1) == 0, "the child's fault");
	expect(resident_pages(range, HUGE_PAGE) == 0, "the child's pages are ours");
	memset(from, 4, HUGE_PAGE);
	expect(!fault_service_copy(&service, range, from, HUGE_PAGE, &done), "no copy");
	expect(is_filled_with(range, HUGE_PAGE, 4), "wrong contents");
	return 0;
}

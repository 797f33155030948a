/* SPDX-License-Identifier: MIT */
/* Does a page staged before a fork still move after it, and is it not in the child? */
#include <config.h>

#include "tests/kernel/kernel_test.h"

#include <setjmp.h>
#include <signal.h>

static sigjmp_buf after_fault;

static void on_fault(int number)
{
	siglongjmp(after_fault, number);
}

/* Left out of the fork means unmapped there. */
static _Noreturn void be_the_child(const char *staged)
{
	signal(SIGSEGV, on_fault);
	if (sigsetjmp(after_fault, 1))
		_exit(0);
	*(volatile const char *)staged;
	_exit(1);
}

static void try_unit(struct fault_service *service, enum staging_unit unit)
{
	size_t length = STAGING_UNIT_BYTES;
	struct staged_range staged;
	struct fault_install done;
	struct staging staging;
	char *to = arm_range(service, HUGE_PAGE);
	pid_t child;
	int error;

	expect(!staging_open(&staging, 1, 1, STAGING_ANY_NODE), "staging_open");
	expect(staging_refill(&staging, unit, 1, 1) == 1, "nothing was staged");
	expect(staging_take(&staging, unit, &staged), "nothing was ready");
	child = fork();
	if (child == 0)
		be_the_child(staged.start);
	error = fault_service_move(service, to, staged.start, length, &done);
	expect(!error, "fault_service_move: %s", strerror(-error));
	expect(done.installed_bytes == length, "moved %zu", done.installed_bytes);
	expect_child(child);
	staging_put(&staging, unit, &staged, length);
	staging_close(&staging);
}

int main(void)
{
	struct fault_service service;

	require_way(FAULT_PROBE_MOVE);
	open_service(&service, 0);
	try_unit(&service, STAGING_HUGE);
	try_unit(&service, STAGING_SMALL);
	return 0;
}

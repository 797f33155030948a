/* SPDX-License-Identifier: MIT */
/* Do system calls into a populated armed range work, and into a missing one fail? */
#include <config.h>

#include "tests/kernel/kernel_test.h"

#include <fcntl.h>
#include <sys/uio.h>

static void read_everywhere(int source, char *range)
{
	struct iovec two[2] = { { range, PAGE }, { range + PAGE, HUGE_PAGE - PAGE } };
	size_t offset = 0;
	ssize_t got;

	while (offset < HUGE_PAGE) {
		got = pread(source, range + offset, 3 * PAGE, (off_t)offset);
		expect(got > 0, "pread at %zu: %s", offset, strerror(errno));
		offset += (size_t)got;
		expect(offset == HUGE_PAGE || got == 3 * (ssize_t)PAGE, "short: %zd",
		       got);
	}
	got = preadv(source, two, 2, 0);
	expect(got == (ssize_t)HUGE_PAGE, "preadv: %zd", got);
	got = pwrite(source, range, HUGE_PAGE, 0);
	expect(got == (ssize_t)HUGE_PAGE, "pwrite: %zd", got);
}

static void populate(struct fault_service *service, struct staging *staging, char *to,
		     enum staging_unit unit)
{
	size_t step = STAGING_UNIT_BYTES;

	for (size_t offset = 0; offset < HUGE_PAGE; offset += step) {
		struct staged_range staged;
		struct fault_install done;
		int error;

		staging_refill(staging, unit, 1, 1);
		expect(staging_take(staging, unit, &staged), "nothing was ready");
		error = fault_service_has_move(service) ?
				fault_service_move(service, to + offset, staged.start,
						   step, &done) :
				fault_service_copy(service, to + offset, staged.start,
						   step, &done);
		expect(!error, "install: %s", strerror(-error));
		staging_put(staging, unit, &staged,
			    fault_service_has_move(service) ? done.installed_bytes : 0);
	}
}

static void try_way(int source, unsigned int flags, enum staging_unit unit)
{
	struct fault_service service;
	struct fault_stray stray;
	struct staging staging;
	char *range;

	open_service(&service, flags);
	expect(!staging_open(&staging, 2, 2, STAGING_ANY_NODE), "staging_open");
	range = arm_range(&service, HUGE_PAGE);
	/* That it is armed, and would fail, is what makes the rest a question. */
	expect(pread(source, range, 1, 0) < 0 && errno == EFAULT, "it is not armed");
	populate(&service, &staging, range, unit);
	expect(resident_pages(range, HUGE_PAGE) == HUGE_PAGE / PAGE, "pages are missing");
	read_everywhere(source, range);
	expect(fault_service_read_strays(&service, &stray, 1) == 0, "a stray");
	fault_service_close(&service);
	staging_close(&staging);
	munmap(range, HUGE_PAGE);
}

int main(void)
{
	int source = memfd_create("source", MFD_CLOEXEC);

	require_way(FAULT_PROBE_COPY);
	expect(source >= 0 && !ftruncate(source, (off_t)HUGE_PAGE), "memfd");
	try_way(source, 0, STAGING_HUGE);
	try_way(source, 0, STAGING_SMALL);
	try_way(source, FAULT_SERVICE_WITHOUT_MOVE, STAGING_HUGE);
	try_way(source, FAULT_SERVICE_WITHOUT_MOVE, STAGING_SMALL);
	return 0;
}

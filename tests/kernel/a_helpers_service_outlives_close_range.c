/* SPDX-License-Identifier: MIT */
/* Does a helper's service outlive the program's closing of every descriptor? */
#include <config.h>

#include "tests/kernel/kernel_test.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/syscall.h>

#include "kmod-free-helpers/descriptor_table.h"
#include "kmod-free-helpers/kernel_abi.h"

static pthread_barrier_t step;
static char *range;
static int separate_error, install_error, leaked_descriptor;

static void *help(void *argument)
{
	struct fault_service service;
	struct fault_install done;
	static char page[HUGE_PAGE];	/* more than any page */

	(void)argument;
	separate_error = descriptor_table_separate(false, false);
	if (!separate_error) {
		/*
		 * The program's, had they been copied, would keep its pipes open. 0 to 2 are ours.
		 */
		leaked_descriptor = fcntl(3, F_GETFD) >= 0;
		open_service(&service, 0);
		range = arm_range(&service, HUGE_PAGE);
	}
	pthread_barrier_wait(&step);
	pthread_barrier_wait(&step);
	if (separate_error)
		return NULL;
	memset(page, 9, sizeof(page));
	install_error = fault_service_copy(&service, range, page, PAGE, &done);
	pthread_barrier_wait(&step);
	pthread_barrier_wait(&step);
	fault_service_close(&service);
	return NULL;
}

int main(void)
{
	int output = dup(1);
	pthread_t id;

	require_way(FAULT_PROBE_COPY);
	pthread_barrier_init(&step, NULL, 2);
	expect(!pthread_create(&id, NULL, help, NULL), "pthread_create");
	pthread_barrier_wait(&step);
	if (separate_error)
		skip("close_range with CLOSE_RANGE_UNSHARE is refused");
	expect(!leaked_descriptor, "the helper kept the program's descriptors");
	expect(fcntl(output, F_GETFD) >= 0, "the program lost its descriptors");
	expect(fcntl(output + 1, F_GETFD) < 0,
	       "the program sees the helper's descriptor");
	expect(!syscall(SYS_close_range, 3u, ~0u, 0u), "close_range");
	pthread_barrier_wait(&step);
	pthread_barrier_wait(&step);
	expect(!install_error, "after close_range: %s", strerror(-install_error));
	expect(is_filled_with(range, PAGE, 9), "wrong contents");
	pthread_barrier_wait(&step);
	pthread_join(id, NULL);
	return 0;
}

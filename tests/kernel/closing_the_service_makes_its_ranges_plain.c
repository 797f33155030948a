/* SPDX-License-Identifier: MIT */
/* Does closing the service wake who waits, and make its ranges plain? */
#include <config.h>

#include "tests/kernel/kernel_test.h"

#include <poll.h>
#include <pthread.h>

static void *touch(void *argument)
{
	volatile char *range = argument;

	for (size_t offset = 0; offset < HUGE_PAGE; offset += PAGE)
		range[offset] = 8;
	return NULL;
}

int main(void)
{
	struct fault_service service;
	struct pollfd poller;
	pthread_t id;
	char *range;

	require_way(FAULT_PROBE_COPY);
	open_service(&service, 0);
	range = arm_range(&service, HUGE_PAGE);
	expect(!pthread_create(&id, NULL, touch, range), "pthread_create");
	poller = (struct pollfd){ .fd = service.descriptor, .events = POLLIN };
	expect(poll(&poller, 1, 10000) == 1, "nobody waits");
	expect(resident_pages(range, HUGE_PAGE) == 0, "it was not armed");

	alarm(20);
	fault_service_close(&service);
	pthread_join(id, NULL);
	expect(resident_pages(range, HUGE_PAGE) == HUGE_PAGE / PAGE, "pages are missing");
	return 0;
}

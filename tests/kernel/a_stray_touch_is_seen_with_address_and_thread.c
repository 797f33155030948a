/* SPDX-License-Identifier: MIT */
/* Is a touch of armed, missing memory seen with its address, thread and kind? */
#include <config.h>

#include "tests/kernel/kernel_test.h"

#include <poll.h>
#include <pthread.h>
#include <sys/syscall.h>

struct stray_thread {
	char *address;
	_Atomic int id;
	_Atomic bool is_over;
	char seen;
};

static void *stray(void *argument)
{
	struct stray_thread *thread = argument;

	thread->id = (int)syscall(SYS_gettid);
	thread->seen = *(volatile char *)thread->address;
	*(volatile char *)(thread->address + PAGE) = 1;
	thread->is_over = true;
	return NULL;
}

static void wait_for_stray(struct fault_service *service, struct fault_stray *found)
{
	struct pollfd poller = { .fd = service->descriptor, .events = POLLIN };
	int count;

	expect(poll(&poller, 1, 10000) == 1, "no stray in 10 s");
	count = fault_service_read_strays(service, found, 1);
	expect(count == 1, "%d strays", count);
}

int main(void)
{
	struct fault_service service;
	struct stray_thread thread = { 0 };
	struct fault_stray found;
	pthread_t id;
	char *range;

	require_way(FAULT_PROBE_COPY);
	open_service(&service, 0);
	range = arm_range(&service, HUGE_PAGE);
	expect(fault_service_read_strays(&service, &found, 1) == 0, "a stray before any");
	thread.address = range + 5 * PAGE + 123;
	expect(!pthread_create(&id, NULL, stray, &thread), "pthread_create");

	wait_for_stray(&service, &found);
	expect((found.address & ~(PAGE - 1)) == (uintptr_t)range + 5 * PAGE,
	       "address %lx", found.address);
	if (service.features & (1u << 11))
		expect(found.address == (uintptr_t)thread.address, "not to the byte");
	expect(found.thread == thread.id, "thread %d", found.thread);
	expect(!found.write, "a read seen as a write");
	expect(!fault_service_answer_stray(&service, &found), "no answer");

	wait_for_stray(&service, &found);
	expect(found.write, "a write seen as a read");
	expect(!thread.is_over, "the thread did not wait");
	expect(!fault_service_answer_stray(&service, &found), "no answer");
	pthread_join(id, NULL);
	expect(thread.is_over && !thread.seen, "did not read zero");
	expect(fault_service_read_strays(&service, &found, 1) == 0, "one stray too many");
	return 0;
}

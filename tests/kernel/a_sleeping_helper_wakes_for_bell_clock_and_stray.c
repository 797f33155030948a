/* SPDX-License-Identifier: MIT */
/* With a ring and without: does a sleeping helper wake for bell, clock and stray? */
#include <config.h>

#include "tests/kernel/kernel_test.h"

#include <pthread.h>
#include <time.h>

#include "kmod-free-helpers/event_loop.h"

#define NS_PER_MS  1000000ull
#define LONG_SLEEP (5000 * NS_PER_MS)

static struct event_doorbell doorbell;

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / NS_PER_MS;
}

static void *ring_when_it_sleeps(void *argument)
{
	(void)argument;
	while (!doorbell.sleeps_long)
		usleep(100);
	/* The flag goes up before the sleep begins: both orders must wake it. */
	usleep(doorbell.rings % 2 ? 20000 : 0);
	event_loop_ring(&doorbell);
	expect(!doorbell.sleeps_long, "a second ring would make a second call");
	return NULL;
}

static void *touch(void *argument)
{
	*(volatile char *)argument = 1;
	return NULL;
}

static void wake_by_bell(struct event_loop *loop)
{
	uint64_t start = now_ms();
	uint32_t happened;
	pthread_t id;

	expect(!pthread_create(&id, NULL, ring_when_it_sleeps, NULL), "pthread_create");
	happened = event_loop_wait(loop, LONG_SLEEP, NS_PER_MS);
	expect(happened == EVENT_LOOP_DOORBELL, "woke for %x", happened);
	expect(now_ms() - start < 4000, "the bell was not heard");
	pthread_join(id, NULL);
}

static void try_loop(bool use_ring)
{
	struct fault_service service;
	struct fault_stray stray = { .address = 0 };
	struct event_loop loop;
	uint32_t rings;
	uint64_t start;
	pthread_t id;
	char *range;
	int bit;

	event_loop_open(&loop, &doorbell, use_ring);
	if (use_ring && !loop.has_ring)
		return;
	open_service(&service, 0);
	range = arm_range(&service, HUGE_PAGE);
	bit = event_loop_watch(&loop, service.descriptor);
	expect(bit > 0, "event_loop_watch: %d", bit);
	start = now_ms();
	expect(!event_loop_wait(&loop, 20 * NS_PER_MS, LONG_SLEEP), "woke for nothing");
	expect(now_ms() - start >= 19, "the clock was early");
	for (int i = 0; i < 4; i++)
		wake_by_bell(&loop);
	rings = doorbell.rings;
	event_loop_ring(&doorbell);
	expect(doorbell.rings == rings, "rang at somebody awake");

	expect(!pthread_create(&id, NULL, touch, range), "pthread_create");
	for (int i = 0; fault_service_read_strays(&service, &stray, 1) < 1; i++) {
		expect(i < 100, "the stray was not noticed");
		event_loop_wait(&loop, 50 * NS_PER_MS, LONG_SLEEP);
	}
	fault_service_answer_stray(&service, &stray);
	pthread_join(id, NULL);
	fault_service_close(&service);
}

int main(void)
{
	require_way(FAULT_PROBE_COPY);
	try_loop(false);
	try_loop(true);
	return 0;
}

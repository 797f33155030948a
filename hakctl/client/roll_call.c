/* SPDX-License-Identifier: MIT */
/* See roll_call.h; arguments.c and ps call it. */
#include <config.h>

#include "hakctl/client/roll_call.h"

#include <poll.h>
#include <time.h>

#include "hakctl/client/patience.h"

#define NS_A_MS UINT64_C(1000000)

/* Descriptors are few; and a process that is one of so many can wait for the next turn. */
enum { AT_ONCE = 256 };

struct call {
	struct target *target;
	struct connection connection;
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Until each has said something, or has hung up, or the time is over. */
static void wait_for_all(struct call *calls, struct pollfd *polled, size_t count)
{
	uint64_t usual_ns = (uint64_t)(now_ms() + CONTROL_TIMEOUT_MS) * NS_A_MS;
	int64_t end_ms = (int64_t)(patience_cut_ns(usual_ns) / NS_A_MS), left;
	size_t waiting = count;

	while (waiting && (left = end_ms - now_ms()) > 0) {
		if (poll(polled, count, (int)left) <= 0)
			continue;
		for (size_t i = 0; i < count; i++)
			if (polled[i].fd >= 0 && polled[i].revents) {
				polled[i].fd = -1;
				waiting--;
			}
	}
	for (size_t i = 0; i < count; i++)
		calls[i].target->is_mute = polled[i].fd >= 0;
}

/* Who cannot be reached at all has a reason, which is found where it is asked for something. */
static size_t call_some(struct target_list *list, size_t *next, struct call *calls,
			struct pollfd *polled)
{
	struct failure unused;
	size_t count = 0;

	for (; *next < list->count && count < AT_ONCE; ++*next) {
		struct target *target = &list->targets[*next];
		struct call *call = &calls[count];

		target->is_mute = false;
		if (target->state != TARGET_READY ||
		    !connection_call(&call->connection, target->socket, &unused))
			continue;
		call->target = target;
		polled[count].fd = call->connection.socket;
		polled[count++].events = POLLIN;
	}
	return count;
}

void roll_call(struct target_list *list)
{
	static struct call calls[AT_ONCE];
	static struct pollfd polled[AT_ONCE];
	size_t next = 0, count;

	while (list->count > 1 && next < list->count) {
		count = call_some(list, &next, calls, polled);
		wait_for_all(calls, polled, count);
		for (size_t i = 0; i < count; i++)
			connection_close(&calls[i].connection);
	}
}

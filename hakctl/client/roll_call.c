/* SPDX-License-Identifier: MIT */
/* See roll_call.h; arguments.c, stats -w and metrics call it, target.c takes what is open. */
#include <config.h>

#include "hakctl/client/roll_call.h"

#include <poll.h>
#include <time.h>

#include "hakctl/client/look.h"
#include "hakctl/client/patience.h"

#define NS_A_MS UINT64_C(1000000)

/* Descriptors are few; and a process that is one of so many can wait for the next turn. */
enum { AT_ONCE = 256 };

enum stage { GREETED, ASKED, ANSWERED, CLOSED };

struct call {
	struct target *target;
	pid_t pid; /* the target's, which moves */
	uint64_t start_time;
	struct connection connection;
	enum stage stage;
};

static struct call calls[AT_ONCE];
static size_t call_count;

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void end_call(struct call *call)
{
	if (call->stage != CLOSED)
		connection_close(&call->connection);
	call->stage = CLOSED;
}

/* Why one is refused is found where it is asked again. */
static bool ask(struct call *call, unsigned rows)
{
	struct failure unused;

	return connection_meet(&call->connection, &unused) &&
	       connection_send_ahead(&call->connection, CONTROL_STATS, &unused) &&
	       (!(rows & LOOK_CLASSES) ||
		connection_send_ahead(&call->connection, CONTROL_CLASSES, &unused)) &&
	       (!(rows & LOOK_NODES) ||
		connection_send_ahead(&call->connection, CONTROL_NODES, &unused));
}

/* It has said something, or has hung up. True: there is more to wait for. */
static bool go_on(struct call *call, bool is_asking, unsigned rows)
{
	if (!is_asking || call->stage == ASKED) {
		call->stage = ANSWERED;
		return false;
	}
	if (ask(call, rows)) {
		call->stage = ASKED;
		return true;
	}
	end_call(call);
	return false;
}

/* Until each has answered, or the time is over. */
static void wait_for_all(struct pollfd *polled, bool is_asking, unsigned rows)
{
	uint64_t usual_ns = (uint64_t)(now_ms() + CONTROL_TIMEOUT_MS) * NS_A_MS;
	int64_t end_ms = (int64_t)(patience_cut_ns(usual_ns) / NS_A_MS), left;
	size_t waiting = call_count;

	while (waiting && (left = end_ms - now_ms()) > 0) {
		if (poll(polled, call_count, (int)left) <= 0)
			continue;
		for (size_t i = 0; i < call_count; i++)
			if (polled[i].fd >= 0 && polled[i].revents &&
			    !go_on(&calls[i], is_asking, rows)) {
				polled[i].fd = -1;
				waiting--;
			}
	}
	for (size_t i = 0; i < call_count; i++) {
		calls[i].target->is_mute = polled[i].fd >= 0;
		if (polled[i].fd >= 0 || !is_asking)
			end_call(&calls[i]);
	}
}

/* Who cannot be reached at all has a reason, which is found where it is asked for something. */
static void call_some(struct target_list *list, size_t *next, struct pollfd *polled)
{
	struct failure unused;

	for (call_count = 0; *next < list->count && call_count < AT_ONCE; ++*next) {
		struct target *target = &list->targets[*next];
		struct call *call = &calls[call_count];

		target->is_mute = false;
		if (target->state != TARGET_READY ||
		    !connection_call(&call->connection, target->socket, &unused))
			continue;
		call->target = target;
		call->pid = target->process.pid;
		call->start_time = target->process.start_time;
		call->stage = GREETED;
		polled[call_count].fd = call->connection.socket;
		polled[call_count++].events = POLLIN;
	}
}

/* The last turn's connections are kept; those of others are closed for it. */
static void call_all(struct target_list *list, bool is_asking, unsigned rows)
{
	static struct pollfd polled[AT_ONCE];
	size_t next = 0;

	while (list->count > 1 && next < list->count) {
		roll_call_end();
		call_some(list, &next, polled);
		wait_for_all(polled, is_asking, rows);
	}
}

void roll_call(struct target_list *list)
{
	call_all(list, false, 0);
}

void roll_call_asking(struct target_list *list, unsigned rows)
{
	call_all(list, true, rows);
}

bool roll_call_take(const struct target *target, struct connection *connection)
{
	for (size_t i = 0; i < call_count; i++) {
		struct call *call = &calls[i];

		if (call->stage != ANSWERED || call->pid != target->process.pid ||
		    call->start_time != target->process.start_time)
			continue;
		*connection = call->connection;
		call->stage = CLOSED;
		return true;
	}
	return false;
}

void roll_call_end(void)
{
	for (size_t i = 0; i < call_count; i++)
		end_call(&calls[i]);
	call_count = 0;
}

/* SPDX-License-Identifier: MIT */
/* See slow_targets.h; metrics takes its looks through it. */
#include <config.h>

#include "hakctl/exporter/slow_targets.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "hakctl/client/patience.h"
#include "hakctl/client/roll_call.h"
#include "hakctl/output/message.h"

/*
 * All that are asked at once have the usual time together, for the machine may be busy; this is
 * what each has that is looked at after that, as long as the budget lasts.
 */
enum { PATIENCE_MS = 250, LEAST_PATIENCE_MS = 20, BUDGET_MS = 300 };

#define NS_A_MS	  UINT64_C(1000000)
#define SHORTEST_NS (30 * UINT64_C(1000000000))
#define LONGEST_NS  (600 * UINT64_C(1000000000))

enum manner { FROM_OUTSIDE, NOT_AT_ALL };

struct slow {
	pid_t pid;
	uint64_t start_time;
	uint64_t until_ns, lasts_ns;
	enum manner manner;
};

static struct slow *list;
static size_t count;
static uint64_t spent_ns; /* in this scrape, on those that did not answer */

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static struct slow *find(const struct process *process)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].pid == process->pid && list[i].start_time == process->start_time)
			return &list[i];
	return NULL;
}

static bool is_kept_out(const struct target *target)
{
	const struct slow *slow = find(&target->process);

	return slow && now_ns() < slow->until_ns;
}

/* Those that were forgiven long ago are forgotten. */
static void forget(void)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (now_ns() < list[i].until_ns + LONGEST_NS)
			list[kept++] = list[i];
	count = kept;
}

void slow_targets_begin_scrape(struct target_list *all, unsigned rows)
{
	spent_ns = 0;
	forget();
	for (size_t i = 0; i < all->count; i++) {
		struct target *target = &all->targets[i];

		if (!is_kept_out(target) || target->state != TARGET_READY)
			continue;
		target->state = TARGET_SILENT;
		snprintf(target->reason, sizeof(target->reason), "it did not answer in time");
	}
	roll_call_asking(all, rows);
}

/* Once may be the machine's fault. Then twice as long each time, until it answers again. */
static void note(const struct process *process, enum manner manner)
{
	struct slow *slow = find(process);
	bool is_first = !slow;

	if (!slow) {
		list = realloc(list, (count + 1) * sizeof(*list));
		if (!list)
			message_out_of_memory();
		slow = &list[count++];
		*slow = (struct slow){ .pid = process->pid, .start_time = process->start_time,
				       .lasts_ns = SHORTEST_NS / 2 };
	}
	slow->manner = manner;
	slow->until_ns = now_ns();
	if (is_first)
		return;
	slow->lasts_ns = 2 * slow->lasts_ns > LONGEST_NS ? LONGEST_NS : 2 * slow->lasts_ns;
	slow->until_ns += slow->lasts_ns;
}

static void pardon(const struct process *process)
{
	struct slow *slow = find(process);

	if (slow)
		*slow = list[--count];
}

bool slow_targets_look(struct target *target, unsigned wanted, struct look *look)
{
	const struct slow *slow = find(&target->process);
	bool is_out = is_kept_out(target);
	unsigned patience_ms = is_out || spent_ns > BUDGET_MS * NS_A_MS ? LEAST_PATIENCE_MS :
									       PATIENCE_MS;
	struct failure failure = { .is_timeout = false };
	uint64_t began_ns = now_ns(), took_ns;
	bool done;

	if (is_out && slow->manner == NOT_AT_ALL)
		return false;
	patience_set(patience_ms);
	done = look_take(target, wanted, look, &failure);
	patience_set(0);
	took_ns = now_ns() - began_ns;
	if (target->is_mute)
		note(&target->process, FROM_OUTSIDE);
	else if (done && !look->from_outside)
		pardon(&target->process);
	if ((done && !look->from_outside) || took_ns < LEAST_PATIENCE_MS * NS_A_MS / 2)
		return done;
	spent_ns += took_ns;
	if (took_ns >= patience_ms * NS_A_MS || failure.is_timeout)
		note(&target->process, is_out ? NOT_AT_ALL : FROM_OUTSIDE);
	return done;
}

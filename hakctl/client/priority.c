/* SPDX-License-Identifier: MIT */
/* See priority.h. */
#include <config.h>

#include "hakctl/client/priority.h"

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/kernel_abi.h"

#define TURN_NS 200000u

static unsigned depth;
static bool is_real_time;

static void wish_for_short_turns(void)
{
	struct kernel_abi_scheduling wish = { .size = sizeof(wish) };

	if (syscall(SYS_sched_getattr, 0, &wish, sizeof(wish), 0))
		return;
	wish.turn_ns = TURN_NS;
	syscall(SYS_sched_setattr, 0, &wish, 0);
}

void priority_raise(void)
{
	struct sched_param lowest = { .sched_priority = 1 };

	if (depth++ || sched_getscheduler(0) != SCHED_OTHER ||
	    getpriority(PRIO_PROCESS, 0) > 0)
		return;
	is_real_time = sched_setscheduler(0, SCHED_RR, &lowest) == 0;
	if (!is_real_time)
		wish_for_short_turns();
}

/* Short turns are a wish that takes nothing from anybody, and may stay. */
void priority_lower(void)
{
	struct sched_param ordinary = { .sched_priority = 0 };

	if (--depth || !is_real_time)
		return;
	sched_setscheduler(0, SCHED_OTHER, &ordinary);
	is_real_time = false;
}

/* SPDX-License-Identifier: MIT */
/*
 * process.c - see process.h.
 */
#include <config.h>

#include "os/process.h"

#include <time.h>

#include "os/clock.h"
#include "support/system_call.h"

static uint64_t read_clock(clockid_t clock)
{
	struct timespec now;

	system_call(SYS_clock_gettime, clock, &now);
	return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

/* Not by a call, where it can be helped: a filter of the program's might kill for it. */
uint64_t process_now_ns(void)
{
	uint64_t now_ns = clock_now_ns();

	return now_ns ? now_ns : read_clock(CLOCK_MONOTONIC);
}

uint64_t process_date_ns(void)
{
	return read_clock(CLOCK_REALTIME);
}

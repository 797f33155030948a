/* SPDX-License-Identifier: MIT */
/* See interval.h. */
#include <config.h>

#include "hakctl/output/interval.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>

void interval_sleep(struct timespec *next, double interval_s,
		    const volatile sig_atomic_t *is_ended)
{
	next->tv_sec += (time_t)interval_s;
	next->tv_nsec += (long)((interval_s - floor(interval_s)) * 1e9);
	if (next->tv_nsec >= 1000000000) {
		next->tv_nsec -= 1000000000;
		next->tv_sec++;
	}
	while (!(is_ended && *is_ended) &&
	       clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, next, NULL) == EINTR)
		;
}

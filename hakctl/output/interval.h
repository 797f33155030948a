/* SPDX-License-Identifier: MIT */
/* Turns at even distances of time, however long each takes. */
#ifndef HAKCTL_OUTPUT_INTERVAL_H
#define HAKCTL_OUTPUT_INTERVAL_H

#include <signal.h>
#include <time.h>

/*
 * Puts a time of CLOCK_MONOTONIC on by so many seconds and sleeps until then, or until a handler of
 * signals has set is_ended; NULL: whatever signals come.
 */
void interval_sleep(struct timespec *next, double interval_s,
		    const volatile sig_atomic_t *is_ended);

#endif

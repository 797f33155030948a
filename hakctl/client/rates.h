/* SPDX-License-Identifier: MIT */
/* What changes between two looks at a process, a second; and the line a second of stats -w. */
#ifndef HAKCTL_CLIENT_RATES_H
#define HAKCTL_CLIENT_RATES_H

#include <stdbool.h>

#include "hakctl/command.h"
#include "hakctl/client/target.h"

/* All a second. */
struct rates {
	double seconds; /* between the looks; 0: no rates can be told */
	double live;	/* bytes, may be negative */
	double populated;
	double ahead;	 /* bytes handed out populated */
	double plain;	 /* bytes handed out for the kernel to populate */
	double released; /* bytes */
	double application_calls, helper_calls, remote_frees, wakeups;
};

struct rates rates_between(const struct control_ledger *before,
			   const struct control_ledger *after);

/* Prints a line for each target every interval, `times` of them (0: until interrupted). */
enum exit_code rates_watch(struct target_list *list, double interval_s,
			   unsigned long times, bool json);

#endif

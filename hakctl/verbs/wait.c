/* SPDX-License-Identifier: MIT */
/* `hakctl wait`: returns when the resident size of a process is below a size; for scripts. */
#include <config.h>

#include <math.h>
#include <stdio.h>
#include <time.h>

#include "hakctl/client/arguments.h"
#include "hakctl/client/option_table.h"
#include "hakctl/command.h"
#include "hakctl/output/message.h"
#include "hakctl/output/units.h"

#define STEP_NS 50000000

struct request {
	uint64_t below_bytes; /* 0: not given */
	double timeout_s;
};

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The kernel's word alone: a process that has ended, or another in its place, is neither. */
static bool wait_for(struct target *target, void *argument, struct failure *failure)
{
	const struct request *request = argument;
	double deadline_s = now_s() + request->timeout_s;
	struct timespec step = { 0, STEP_NS };

	for (;;) {
		struct process now;

		if (!process_read(&now, target->process.pid) || process_is_dead(&now) ||
		    now.start_time != target->process.start_time)
			return failure_set(failure, EXIT_NO_TARGET, "has ended");
		if (now.rss_bytes < request->below_bytes)
			return true;
		if (now_s() >= deadline_s)
			return failure_set(
				failure, EXIT_REFUSED,
				"RSS is still %s after %g s; `hakctl purge %d` gives "
				"back what is free",
				units_mebibytes(now.rss_bytes).text, request->timeout_s,
				(int)now.pid);
		nanosleep(&step, NULL);
	}
}

static enum exit_code take_options(struct request *request, int argc, char **argv)
{
	const struct option_row rows[] = {
		{ "rss-below", 'r', .bytes = &request->below_bytes, .least = 1,
		  .expected = "a size such as 512M" },
		{ "timeout", 't', .seconds = &request->timeout_s,
		  .expected = "seconds such as 10" },
		{ NULL },
	};
	enum exit_code code = option_table_take(argc, argv, rows, false);

	if (code == EXIT_DONE && !request->below_bytes) {
		message_error("wait: what for? --rss-below SIZE says it");
		code = EXIT_USAGE;
	}
	return code;
}

static int wait_run(int argc, char **argv)
{
	struct request request = { .timeout_s = 60 };
	struct target_list list = { .targets = NULL };
	enum exit_code code = take_options(&request, argc, argv);

	if (code == EXIT_DONE)
		code = arguments_take_targets("wait", argv + optind, false,
					      ARGUMENTS_MANY, &list);
	if (code != EXIT_DONE)
		return code;
	return arguments_visit("wait", &list, false, wait_for, &request);
}

const struct command wait_command = {
	.name = "wait",
	.arguments = "--rss-below SIZE [--timeout SECONDS] [TARGET...]",
	.summary = "wait until a process is small enough",
	.help = "      --rss-below SIZE   until its resident size is below SIZE, such as 512M\n"
		"  -t, --timeout SECONDS  give up after that; 60 without it\n"
		"\n"
		"Exit codes: 0 it is, 1 it is not by then, 3 it has ended.\n",
	.run = wait_run,
};

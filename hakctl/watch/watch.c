/* SPDX-License-Identifier: MIT */
/* `hakctl watch`: records what processes are like, for `hakctl diff` to compare later. */
#include <config.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hakctl/client/arguments.h"
#include "hakctl/client/option_table.h"
#include "hakctl/client/patience.h"
#include "hakctl/command.h"
#include "hakctl/output/interval.h"
#include "hakctl/output/message.h"
#include "hakctl/output/units.h"
#include "hakctl/watch/recording.h"

/* The others are to be recorded in time. */
enum { PATIENCE_MS = 500 };

#define DEFAULT_BYTES ((uint64_t)64 << 20)

struct request {
	const char *path;
	double interval_s;
	uint64_t bytes;
	unsigned long times; /* 0: until interrupted */
	char **words;
};

static volatile sig_atomic_t is_ended;

static void end(int signal_)
{
	(void)signal_;
	is_ended = 1;
}

/* Who cannot be looked at this time may be next time. */
static bool record_all(const struct request *request, struct recording *recording,
		       struct failure *failure)
{
	static struct recording_look record;
	struct target_list list = { .targets = NULL };
	bool done = true;

	target_list_find_now(&list, request->words);
	for (size_t i = 0; done && i < list.count; i++) {
		struct failure unused;
		struct look look;
		bool is_seen;

		patience_set(PATIENCE_MS);
		is_seen = look_take(&list.targets[i], LOOK_CLASSES, &look, &unused);
		patience_set(0);
		if (!is_seen)
			continue;
		recording_take(&record, &list.targets[i], &look);
		look_free(&look);
		done = recording_write(recording, &record, failure);
	}
	target_list_free(&list);
	return done;
}

static enum exit_code record(const struct request *request)
{
	struct sigaction action = { .sa_handler = end };
	struct recording recording;
	struct failure failure;
	struct timespec next;
	bool done = true;

	if (!recording_begin(&recording, request->path, request->bytes, &failure)) {
		message_error("watch: %s", failure.text);
		return failure.code;
	}
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	printf("recording to %s every %g s: %s of one process, less of several\n", request->path,
	       request->interval_s,
	       units_duration((uint64_t)((double)recording.places * request->interval_s)).text);
	fflush(stdout);
	clock_gettime(CLOCK_MONOTONIC, &next);
	for (unsigned long i = 0; done && !is_ended && (!request->times || i < request->times);
	     i++) {
		if (i)
			interval_sleep(&next, request->interval_s, &is_ended);
		if (!is_ended)
			done = record_all(request, &recording, &failure);
	}
	recording_close(&recording);
	if (!done)
		message_error("watch: %s: %s", request->path, failure.text);
	return done ? EXIT_DONE : failure.code;
}

static int watch_run(int argc, char **argv)
{
	struct request request = { .path = RECORDING_FILE,
				   .interval_s = 10,
				   .bytes = DEFAULT_BYTES };
	const struct option_row rows[] = {
		{ "output", 'o', .text = &request.path },
		{ "every", 'e', .seconds = &request.interval_s, .least = 0.1,
		  .expected = "seconds, 0.1 at least" },
		{ "size", 's', .bytes = &request.bytes, .least = 2 * sizeof(struct recording_look),
		  .expected = "a size of 16K at least" },
		{ "count", 'n', .count = &request.times, .least = 1,
		  .expected = "a number above 0" },
		{ NULL },
	};
	enum exit_code code = option_table_take(argc, argv, rows, false);

	request.words = argv + optind;
	return code == EXIT_DONE ? record(&request) : code;
}

const struct command watch_command = {
	.name = "watch",
	.arguments = "[-o FILE] [--every SECONDS] [--size SIZE] [-n N] [TARGET...]",
	.summary = "record what processes are like, for `hakctl diff`",
	.help = "  -o, --output FILE    " RECORDING_FILE " without it\n"
		"  -e, --every SECONDS  between looks; 10 without it\n"
		"  -s, --size SIZE      of the file, 64M without it: the oldest looks make room\n"
		"  -n, --count N        end after N looks, else when interrupted\n"
		"\n"
		"Without a TARGET: all processes on hakmem, those that begin later as well. A\n"
		"file that is there already is gone on with.\n",
	.run = watch_run,
};

/* SPDX-License-Identifier: MIT */
/*
 * `hakctl profile`: the heap profile of a running process begins, ends, and is written to a file.
 */
#include <config.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hakctl/client/arguments.h"
#include "hakctl/client/option_table.h"
#include "hakctl/command.h"
#include "hakctl/output/message.h"
#include "hakctl/output/paragraph.h"
#include "hakctl/output/units.h"
#include "hakctl/profile/collapsed.h"
#include "hakctl/profile/flame_graph.h"
#include "hakctl/profile/pprof.h"

enum format { FORMAT_BY_NAME, FORMAT_COLLAPSED, FORMAT_PPROF, FORMAT_SVG };

static const char *const formats[] = { "", "collapsed", "pprof", "svg", NULL };
/* By enum profile_value. */
static const char *const values[] = { "allocated-objects", "allocated", "live-objects", "live",
				      NULL };

struct request {
	bool all;
	enum control_profile_action action;
	uint64_t interval_bytes;
	double seconds; /* 0: what was seen since it began */
	unsigned format, value;
	const char *output; /* NULL: standard output */
};

static int find_word(const char *const *words, const char *word)
{
	for (int i = 0; words[i]; i++)
		if (*words[i] && !strcmp(words[i], word))
			return i;
	return -1;
}

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), of_end = strlen(end);

	return length >= of_end && !strcmp(text + length - of_end, end);
}

static unsigned format_of(const struct request *request)
{
	if (request->format != FORMAT_BY_NAME || !request->output)
		return request->format ? request->format : FORMAT_COLLAPSED;
	if (ends_with(request->output, ".svg"))
		return FORMAT_SVG;
	return ends_with(request->output, ".pb.gz") || ends_with(request->output, ".pprof") ?
		       FORMAT_PPROF :
		       FORMAT_COLLAPSED;
}

static bool write_to(const struct request *request, const struct heap_profile *profile,
		     const char *title, FILE *file)
{
	switch (format_of(request)) {
	case FORMAT_PPROF:
		return pprof_write(profile, file);
	case FORMAT_SVG:
		return flame_graph_write(profile, request->value, title, file);
	default:
		return collapsed_write(profile, request->value, file);
	}
}

static bool write_out(const struct request *request, const struct heap_profile *profile,
		      const char *title, struct failure *failure)
{
	FILE *file = request->output ? fopen(request->output, "we") : stdout;
	bool done = file && write_to(request, profile, title, file);

	if (file && file != stdout)
		done = !fclose(file) && done;
	if (!done)
		failure_set(failure, EXIT_REFUSED, "%s: %s",
			    request->output ? request->output : "standard output", strerror(errno));
	return done;
}

static void say_dropped(const struct target *target, const struct control_profile *state)
{
	if (state->dropped_stacks || state->dropped_samples)
		message_error(
			"%s: %s samples had a stack for which there was no room, %s allocations "
			"were not sampled for want of room",
			target_label(target), units_count((double)state->dropped_stacks).text,
			units_count((double)state->dropped_samples).text);
}

static void title_of(const struct request *request, const struct target *target, char title[300])
{
	snprintf(title, 300, "%s: %s%s", target_label(target), values[request->value],
		 request->value == PROFILE_LIVE_BYTES || request->value == PROFILE_ALLOCATED_BYTES ?
			 " bytes" :
			 "");
}

/* What happens from now on; one that was off is off again afterwards. */
static bool fetch_seconds(const struct request *request, struct target *target,
			  struct heap_profile *profile, struct failure *failure)
{
	struct heap_profile before;
	struct control_profile state;
	bool was_on;

	if (!heap_profile_control(target, CONTROL_PROFILE_ASK, 0, &state, failure))
		return false;
	was_on = state.interval_bytes != 0;
	if (!was_on && !heap_profile_control(target, CONTROL_PROFILE_START, request->interval_bytes,
					     &state, failure))
		return false;
	if (was_on && !heap_profile_fetch(target, 0, &before, failure))
		return false;
	usleep((useconds_t)(request->seconds * 1e6));
	if (!heap_profile_fetch(target, 0, profile, failure))
		return false;
	if (was_on)
		heap_profile_subtract(profile, &before);
	return was_on || heap_profile_control(target, CONTROL_PROFILE_STOP, 0, &state, failure);
}

static bool dump(struct target *target, void *argument, struct failure *failure)
{
	struct request *request = argument;
	struct heap_profile profile;
	char title[300];
	bool done;

	if (request->seconds > 0)
		done = fetch_seconds(request, target, &profile, failure);
	else
		done = heap_profile_fetch(target, 0, &profile, failure);
	if (!done)
		return false;
	say_dropped(target, &profile.state);
	title_of(request, target, title);
	return write_out(request, &profile, title, failure);
}

static bool switch_it(struct target *target, void *argument, struct failure *failure)
{
	const struct request *request = argument;
	struct control_profile state;

	if (!heap_profile_control(target, request->action, request->interval_bytes, &state,
				  failure))
		return false;
	if (state.interval_bytes)
		paragraph_line(0, "%s: profile on, one sample in %s; %s live samples",
			       target_label(target), units_size(state.interval_bytes).text,
			       units_count((double)state.samples).text);
	else
		paragraph_line(0, "%s: profile off; %s live samples, %s call stacks",
			       target_label(target), units_count((double)state.samples).text,
			       units_count((double)state.stacks).text);
	return true;
}

/* Two files: what the second has more than the first. */
static int diff(struct request *request, char **files)
{
	struct heap_profile before, after;
	struct failure failure = { .code = EXIT_REFUSED };
	char title[300];

	if (!files[0] || !files[1] || files[2]) {
		message_error(
			"profile: diff wants two files of `hakctl profile dump -o FILE.pb.gz`");
		return EXIT_USAGE;
	}
	if (pprof_read(files[0], &before, &failure) && pprof_read(files[1], &after, &failure)) {
		heap_profile_subtract(&after, &before);
		snprintf(title, sizeof(title), "%s: %s, beyond %s", files[1],
			 values[request->value], files[0]);
		if (write_out(request, &after, title, &failure))
			return EXIT_DONE;
	}
	message_error("profile: %s", failure.text);
	return failure.code;
}

static enum exit_code take_options(struct request *request, int argc, char **argv)
{
	const struct option_row rows[] = {
		{ "interval", .bytes = &request->interval_bytes, .least = 1,
		  .expected = "a size such as 512K" },
		{ "seconds", .seconds = &request->seconds, .least = 1e-9,
		  .expected = "a time such as 10 or 2m" },
		{ "format", 'f', .word = &request->format, .words = formats,
		  .expected = "collapsed, pprof or svg" },
		{ "value", .word = &request->value, .words = values,
		  .expected = "live, live-objects, allocated or allocated-objects" },
		{ "output", 'o', .text = &request->output },
		{ "all", 'a', .flag = &request->all },
		{ NULL },
	};

	return option_table_take(argc, argv, rows, false);
}

static int profile_run(int argc, char **argv)
{
	static const char *const actions[] = { "status", "start", "stop", "dump", "diff", NULL };
	struct request request = { .value = PROFILE_LIVE_BYTES };
	struct target_list list = { .targets = NULL };
	enum exit_code code = take_options(&request, argc, argv);
	char **words = argv + optind;
	int action = code == EXIT_DONE && *words ? find_word(actions, *words) : -1;

	if (code != EXIT_DONE)
		return code;
	if (action < 0) {
		message_error(
			"profile: start, stop, status, dump or diff? `hakctl help profile` says more");
		return EXIT_USAGE;
	}
	if (action == 4)
		return diff(&request, words + 1);
	code = arguments_take_targets("profile", words + 1, request.all,
				      action == 0 ? ARGUMENTS_MANY : ARGUMENTS_ONE, &list);
	if (code != EXIT_DONE)
		return code;
	if (action == 3 && list.count > 1)
		return arguments_exclude("profile", "dump", "several processes");
	request.action = (enum control_profile_action)action;
	return arguments_visit("profile", &list, request.all, action == 3 ? dump : switch_it,
			       &request);
}

const struct command profile_command = {
	.name = "profile",
	.arguments = "start|stop|status|dump [OPTIONS] [TARGET] | diff [OPTIONS] FILE FILE",
	.summary = "show which call stacks allocate and hold the memory",
	.help = "  start           begins one; nothing of what was allocated before is in it\n"
		"  stop            ends it; what was seen can still be dumped\n"
		"  status          whether it is on\n"
		"  dump            writes what was seen\n"
		"  diff            what the second of two dumps (.pb.gz) has more than the first\n"
		"\n"
		"      --interval SIZE  one sample in so many bytes: 512K, at which it takes a hundredth\n"
		"                       of a thread's time at most; with another one whatever it takes\n"
		"      --seconds TIME   dump: what happens from now on; begins and ends it, if it is off\n"
		"  -f, --format WORD    collapsed, pprof or svg (a flame graph); else by the file's name:\n"
		"                       .svg, .pb.gz, others are collapsed stacks\n"
		"      --value WORD     of collapsed stacks and flame graphs: live, live-objects,\n"
		"                       allocated, allocated-objects; pprof has all four\n"
		"  -o, --output FILE    instead of standard output\n"
		"  -a, --all            start, stop, status: every process that can be asked\n",
	.run = profile_run,
};

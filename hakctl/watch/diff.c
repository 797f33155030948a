/* SPDX-License-Identifier: MIT */
/* `hakctl diff`: what changed between two times, in a recording or from now on. */
#include <config.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hakctl/client/arguments.h"
#include "hakctl/client/option_table.h"
#include "hakctl/command.h"
#include "hakctl/output/message.h"
#include "hakctl/output/units.h"
#include "hakctl/watch/diff_report.h"
#include "hakctl/watch/recording.h"

/* From so many processes on, if none is named, each has a line. */
enum { SUMMARY_FROM = 2 };

struct request {
	const char *path;
	bool json;
	double seconds;		   /* 0: from a recording */
	uint64_t from_ns, to_ns; /* CLOCK_REALTIME */
	char **words;
	struct json_object *array;
	bool is_summary; /* of many processes a line each */
	struct table table;
};

/* The first and the last look at one process. */
struct span {
	struct recording_look first, last;
};

struct spans {
	const struct request *request;
	struct span **list;
	size_t count;
	uint64_t earliest_ns, latest_ns; /* of the whole recording */
};

static bool is_wanted(const struct request *request, const struct recording_look *record)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%u", (unsigned)record->pid);
	for (char **word = request->words; *word; word++)
		if (!strcmp(*word, pid) || strstr(record->title, *word))
			return true;
	return !request->words[0];
}

static struct span *span_of(struct spans *spans, const struct recording_look *record)
{
	struct span *span;

	for (size_t i = 0; i < spans->count; i++) {
		span = spans->list[i];
		if (span->first.pid == record->pid && span->first.start_time == record->start_time)
			return span;
	}
	span = malloc(sizeof(*span));
	spans->list = realloc(spans->list, (spans->count + 1) * sizeof(*spans->list));
	if (!span || !spans->list)
		message_out_of_memory();
	span->first = span->last = *record;
	spans->list[spans->count++] = span;
	return span;
}

static void take_record(const struct recording_look *record, void *argument)
{
	struct spans *spans = argument;
	struct span *span;

	if (!spans->earliest_ns || record->time_ns < spans->earliest_ns)
		spans->earliest_ns = record->time_ns;
	if (record->time_ns > spans->latest_ns)
		spans->latest_ns = record->time_ns;
	if (record->time_ns < spans->request->from_ns || record->time_ns > spans->request->to_ns ||
	    !is_wanted(spans->request, record))
		return;
	span = span_of(spans, record);
	if (record->time_ns < span->first.time_ns)
		span->first = *record;
	if (record->time_ns > span->last.time_ns)
		span->last = *record;
}

static void report(struct request *request, const struct recording_look *from,
		   const struct recording_look *to)
{
	if (request->json)
		json_object_array_add(request->array, diff_report_json(from, to));
	else if (request->is_summary)
		diff_report_summary(&request->table, from, to);
	else
		diff_report_text(from, to);
}

/* Named ones are told in full, and so are a few. */
static void begin_reports(struct request *request, size_t count)
{
	request->is_summary = !request->json && count > SUMMARY_FROM && !request->words[0];
	if (request->is_summary)
		diff_report_begin_summary(&request->table);
}

static void end_reports(struct request *request)
{
	if (request->is_summary)
		table_print(&request->table);
	if (request->is_summary)
		puts("`hakctl diff TARGET` says more of one");
}

/* What grew most stands above. */
static int compare_spans(const void *left, const void *right)
{
	const struct span *a = *(struct span *const *)left, *b = *(struct span *const *)right;
	double x = (double)a->last.rss_bytes - (double)a->first.rss_bytes;
	double y = (double)b->last.rss_bytes - (double)b->first.rss_bytes;

	return (x < y) - (x > y);
}

static bool read_recording(struct spans *spans, struct failure *failure)
{
	const char *path = spans->request->path;
	struct recording recording;
	char first[32] = "", last[32] = "";
	bool done;

	if (!recording_open(&recording, path, failure))
		return false;
	done = recording_visit(&recording, take_record, spans, failure);
	recording_close(&recording);
	if (!done || spans->count)
		return done;
	if (!spans->latest_ns)
		return failure_set(failure, EXIT_NO_TARGET, "%s: is empty yet", path);
	strftime(first, sizeof(first), "%F %T",
		 localtime(&(time_t){ (time_t)(spans->earliest_ns / 1000000000u) }));
	strftime(last, sizeof(last), "%F %T",
		 localtime(&(time_t){ (time_t)(spans->latest_ns / 1000000000u) }));
	return failure_set(failure, EXIT_NO_TARGET,
			   "%s: no such process within that time; it has %s to %s", path, first,
			   last);
}

static enum exit_code compare_recorded(struct request *request)
{
	struct spans spans = { .request = request };
	struct failure failure;
	bool done = read_recording(&spans, &failure);

	begin_reports(request, spans.count);
	if (spans.count)
		qsort(spans.list, spans.count, sizeof(struct span *), compare_spans);
	for (size_t i = 0; i < spans.count; i++) {
		if (done)
			report(request, &spans.list[i]->first, &spans.list[i]->last);
		free(spans.list[i]);
	}
	free(spans.list);
	end_reports(request);
	if (!done)
		message_error("diff: %s", failure.text);
	return done ? EXIT_DONE : failure.code;
}

static bool look_once(const struct target *target, struct recording_look *record,
		      struct failure *failure)
{
	struct look look;

	if (!look_take(target, LOOK_CLASSES, &look, failure))
		return false;
	recording_take(record, target, &look);
	look_free(&look);
	return true;
}

static enum exit_code compare_live(struct request *request)
{
	struct timespec pause = { (time_t)request->seconds,
				  (long)((request->seconds - floor(request->seconds)) * 1e9) };
	struct target_list list = { .targets = NULL };
	enum exit_code code = arguments_take_targets("diff", request->words, !request->words[0],
						     ARGUMENTS_OUTSIDE, &list);
	struct recording_look *before = calloc(list.count + 1, sizeof(*before));
	static struct recording_look after;

	if (!before)
		message_out_of_memory();
	for (size_t i = 0; i < list.count; i++) {
		struct failure failure;

		if (look_once(&list.targets[i], &before[i], &failure))
			continue;
		message_error("diff: %s: %s", target_label(&list.targets[i]), failure.text);
		code = code == EXIT_DONE ? failure.code : code;
	}
	begin_reports(request, list.count);
	while (list.count && nanosleep(&pause, &pause) != 0 && errno == EINTR)
		;
	for (size_t i = 0; i < list.count; i++) {
		struct failure failure = { .code = EXIT_NO_TARGET };

		if (!before[i].time_ns)
			continue;
		if (process_read(&list.targets[i].process, list.targets[i].process.pid) &&
		    look_once(&list.targets[i], &after, &failure)) {
			report(request, &before[i], &after);
			continue;
		}
		message_error("diff: %s: has ended", target_label(&list.targets[i]));
		code = code == EXIT_DONE ? failure.code : code;
	}
	end_reports(request);
	free(before);
	target_list_free(&list);
	return code;
}

/*
 * "10m" is so long ago; "14:05", "14:05:09" the last time that it was so late; "2026-12-01 14:05".
 */
static bool parse_time(const char *text, uint64_t *time_ns)
{
	static const char *const formats[] = { "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S",
					       "%Y-%m-%d %H:%M",    "%Y-%m-%dT%H:%M",
					       "%H:%M:%S",	    "%H:%M" };
	time_t now = time(NULL), then;
	double seconds;

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		struct tm parts;
		const char *rest;

		localtime_r(&now, &parts);
		parts.tm_sec = 0;
		rest = strptime(text, formats[i], &parts);
		if (!rest || *rest)
			continue;
		parts.tm_isdst = -1;
		then = mktime(&parts);
		if (i >= 4 && then > now)
			then -= 24 * 60 * 60;
		*time_ns = (uint64_t)then * 1000000000u;
		return then > 0;
	}
	if (!units_parse_seconds(text, &seconds) || seconds > (double)now)
		return false;
	*time_ns = ((uint64_t)now - (uint64_t)seconds) * 1000000000u;
	return true;
}

static enum exit_code take_options(struct request *request, int argc, char **argv)
{
	static const char a_time[] = "a time ago, such as 10m, or of the day, such as 03:00";
	const struct option_row rows[] = {
		{ "file", 'f', .text = &request->path },
		{ "from", .bytes = &request->from_ns, .parse = parse_time, .expected = a_time },
		{ "to", .bytes = &request->to_ns, .parse = parse_time, .expected = a_time },
		{ "seconds", 's', .seconds = &request->seconds, .least = 0.05,
		  .expected = "seconds, 0.05 at least" },
		{ "json", 'j', .flag = &request->json },
		{ NULL },
	};
	enum exit_code code = option_table_take(argc, argv, rows, false);

	/* The whole of that second. */
	if (request->to_ns != UINT64_MAX)
		request->to_ns += 999999999u;
	return code;
}

static int diff_run(int argc, char **argv)
{
	struct request request = { .path = NULL, .to_ns = UINT64_MAX };
	struct json_object *object;
	enum exit_code code = take_options(&request, argc, argv);

	if (code == EXIT_DONE && request.seconds > 0 &&
	    (request.path || request.from_ns || request.to_ns != UINT64_MAX))
		code = arguments_exclude("diff", "--seconds", "--file, --from or --to");
	if (code != EXIT_DONE)
		return code;
	request.words = argv + optind;
	request.path = request.path ? request.path : RECORDING_FILE;
	object = json_output_begin("diff");
	request.array = json_object_new_array();
	json_object_object_add(object, "processes", request.array);
	code = request.seconds > 0 ? compare_live(&request) : compare_recorded(&request);
	if (request.json)
		json_output_end(object);
	else
		json_object_put(object);
	return code;
}

const struct command diff_command = {
	.name = "diff",
	.arguments = "[-j] [-f FILE] [--from WHEN] [--to WHEN] [-s N] [TARGET...]",
	.summary = "what changed between two times",
	.help = "  -f, --file FILE    of `hakctl watch`; " RECORDING_FILE " without it\n"
		"      --from WHEN    10m (ago), 03:00 or \"2026-12-01 03:00\"; else the first look\n"
		"      --to WHEN      the last look without it\n"
		"  -s, --seconds N    no recording: from now on, so long\n"
		"  -j, --json         one JSON object; bytes as integers\n"
		"\n"
		"TARGET is a PID, or a word of the command line. Says for each process what grew,\n"
		"and in blocks of which sizes.\n",
	.run = diff_run,
};

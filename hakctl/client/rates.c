/* SPDX-License-Identifier: MIT */
/* See rates.h; stats -w, ps and top tell rates. */
#include <config.h>

#include "hakctl/client/rates.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hakctl/client/json_output.h"
#include "hakctl/client/look.h"
#include "hakctl/client/patience.h"
#include "hakctl/client/roll_call.h"
#include "hakctl/output/interval.h"
#include "hakctl/output/message.h"
#include "hakctl/output/style.h"
#include "hakctl/output/units.h"

/* A title again every so many lines, on a terminal. */
enum { LINES_A_TITLE = 20 };

/* What one round may wait for processes that do not answer, but no longer than it lasts. */
enum { PATIENCE_LEAST_MS = 100, PATIENCE_MOST_MS = CONTROL_TIMEOUT_MS };

struct watched {
	struct target *target;
	struct control_ledger ledger; /* of the last look */
	bool is_known, is_gone;
	bool is_silent; /* since the last look */
};

static double a_second(uint64_t before, uint64_t after, double seconds)
{
	return ((double)after - (double)before) / seconds;
}

struct rates rates_between(const struct control_ledger *before,
			   const struct control_ledger *after)
{
	double s = ((double)after->taken_ns - (double)before->taken_ns) / 1e9;

	if (s <= 0)
		return (struct rates){ .seconds = 0 };
	return (struct rates){
		.seconds = s,
		.live = a_second(look_live_bytes(before), look_live_bytes(after), s),
		.populated = a_second(before->populated_bytes, after->populated_bytes, s),
		.ahead = a_second(before->taken_ahead_bytes, after->taken_ahead_bytes, s),
		.plain = a_second(before->taken_plain_bytes, after->taken_plain_bytes, s),
		.released = a_second(before->released_bytes, after->released_bytes, s),
		.application_calls =
			a_second(before->application_calls, after->application_calls, s),
		.helper_calls = a_second(before->helper_calls, after->helper_calls, s),
		.remote_frees = a_second(before->remote_frees, after->remote_frees, s),
		.wakeups = a_second(before->helper_wakeups, after->helper_wakeups, s),
	};
}

static struct units_text signed_bytes(double bytes)
{
	struct units_text size = units_bytes((uint64_t)fabs(bytes));
	struct units_text result;

	snprintf(result.text, sizeof(result.text), "%s%.20s",
		 fabs(bytes) < 0.5 ? "" :
		 bytes < 0	   ? "-" :
				     "+",
		 size.text);
	return result;
}

static void print_title(void)
{
	printf("%s%8s %7s %8s %8s %8s %8s %8s %8s %7s%s\n", style_begin(STYLE_TITLE),
	       "PID", "LIVE", "LIVE/s", "POPUL.", "POP/s", "AHEAD/s", "PLAIN/s",
	       "RELEAS/s", "CALLS/s", style_end(STYLE_TITLE));
}

static void print_text(const struct watched *watched, const struct control_ledger *ledger)
{
	struct rates rates = rates_between(&watched->ledger, ledger);

	printf("%8d %7s %8s %8s %8s %8s %8s %8s %7s\n", (int)watched->target->process.pid,
	       units_bytes(look_live_bytes(ledger)).text, signed_bytes(rates.live).text,
	       units_bytes(ledger->populated_bytes).text,
	       signed_bytes(rates.populated).text,
	       units_bytes((uint64_t)rates.ahead).text,
	       units_bytes((uint64_t)rates.plain).text,
	       units_bytes((uint64_t)rates.released).text,
	       units_count(rates.application_calls).text);
	fflush(stdout);
}

static void add_rate(struct json_object *object, const char *name, double rate)
{
	json_object_object_add(object, name,
			       json_object_new_int64((int64_t)llround(rate)));
}

static void print_json(const struct watched *watched, const struct control_ledger *ledger)
{
	struct rates rates = rates_between(&watched->ledger, ledger);
	struct json_object *object = json_output_begin("stats");
	struct json_object *process = json_output_target(watched->target);
	struct json_object *array = json_object_new_array();

	json_output_number(process, "live_bytes", look_live_bytes(ledger));
	json_output_number(process, "populated_bytes", ledger->populated_bytes);
	json_output_number(process, "interval_ns", (uint64_t)(rates.seconds * 1e9));
	add_rate(process, "live_bytes_per_second", rates.live);
	add_rate(process, "populated_bytes_per_second", rates.populated);
	add_rate(process, "taken_ahead_bytes_per_second", rates.ahead);
	add_rate(process, "taken_plain_bytes_per_second", rates.plain);
	add_rate(process, "released_bytes_per_second", rates.released);
	add_rate(process, "application_calls_per_second", rates.application_calls);
	add_rate(process, "helper_calls_per_second", rates.helper_calls);
	add_rate(process, "remote_frees_per_second", rates.remote_frees);
	json_object_array_add(array, process);
	json_object_object_add(object, "processes", array);
	json_output_end(object);
}

/* Of those that do not answer; all together, for they are asked at once. */
static unsigned patience_of(double interval_s)
{
	double ms = interval_s * 1e3 / 2;

	return ms < PATIENCE_LEAST_MS ? PATIENCE_LEAST_MS :
	       ms > PATIENCE_MOST_MS  ? PATIENCE_MOST_MS :
					(unsigned)ms;
}

/* Since the last look it may have ended, been stopped, or gone on again. */
static bool look_at(struct target *target, unsigned patience_ms, struct look *look,
		    struct failure *failure)
{
	bool done;

	if (!target_is_there(target))
		return failure_set(failure, EXIT_NO_TARGET, "has ended");
	patience_set(patience_ms);
	done = look_take(target, 0, look, failure);
	patience_set(0);
	return done;
}

/* One that could be looked at before may answer again; its silence is told once. */
static void fail(struct watched *watched, const struct failure *failure, enum exit_code *code)
{
	if (!watched->is_silent)
		message_error("stats: %s: %s", target_label(watched->target), failure->text);
	if (*code == EXIT_DONE)
		*code = failure->code;
	watched->is_silent = true;
	watched->is_gone = !watched->is_known || failure->code == EXIT_NO_TARGET;
}

static void watch_one(struct watched *watched, unsigned patience_ms, bool json,
		      enum exit_code *code)
{
	struct failure failure;
	struct look look;

	if (!look_at(watched->target, patience_ms, &look, &failure)) {
		fail(watched, &failure, code);
		return;
	}
	if (watched->is_known) {
		if (json)
			print_json(watched, &look.ledger);
		else
			print_text(watched, &look.ledger);
	}
	watched->ledger = look.ledger;
	watched->is_known = true;
	watched->is_silent = false;
	look_free(&look);
}

/* Returns how many there still are. */
static size_t watch_all(struct watched *all, struct target_list *list, unsigned patience_ms,
			bool json, enum exit_code *code)
{
	size_t left = 0;

	for (size_t i = 0; i < list->count; i++) {
		if (!all[i].is_gone)
			watch_one(&all[i], patience_ms, json, code);
		left += !all[i].is_gone;
	}
	return left;
}

/* Before the first look this has been done: see arguments.c. */
static void call_again(struct target_list *list, unsigned patience_ms)
{
	patience_set(patience_ms);
	roll_call(list);
	patience_set(0);
}

enum exit_code rates_watch(struct target_list *list, double interval_s,
			   unsigned long times, bool json)
{
	struct watched *all = calloc(list->count, sizeof(*all));
	enum exit_code code = EXIT_DONE;
	size_t left = list->count;
	struct timespec next;

	if (!all)
		message_out_of_memory();
	for (size_t i = 0; i < list->count; i++)
		all[i].target = &list->targets[i];
	clock_gettime(CLOCK_MONOTONIC, &next);
	/* The first look prints nothing: there is nothing to compare it with. */
	for (unsigned long round = 0; left && (!times || round <= times); round++) {
		if (round)
			interval_sleep(&next, interval_s, NULL);
		if (!json &&
		    (round == 1 || (style_columns() && round > 1 &&
				    (round - 1) * list->count % LINES_A_TITLE == 0)))
			print_title();
		if (round)
			call_again(list, patience_of(interval_s));
		left = watch_all(all, list, round ? patience_of(interval_s) : 0, json, &code);
	}
	free(all);
	return code;
}

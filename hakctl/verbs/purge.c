/* SPDX-License-Identifier: MIT */
/* `hakctl purge`: has a process give back what can be given, and says how much that was. */
#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "hakctl/client/arguments.h"
#include "hakctl/command.h"
#include "hakctl/client/json_output.h"
#include "hakctl/client/look.h"
#include "hakctl/client/option_table.h"
#include "hakctl/client/outside.h"
#include "hakctl/output/paragraph.h"
#include "hakctl/output/units.h"

/* With --wait, unless --timeout says otherwise; and without: most are done by then. */
#define PATIENCE_MS	  60000u
#define SHORT_PATIENCE_MS 5000u

struct request {
	bool all, json, is_dry;
	struct control_purge purge;
	struct json_object *array;
};

/* What stays, and why: known where the heap can be read from outside. */
static bool find_pins(const struct target *target, struct outside_pins *pins)
{
	struct outside outside;
	struct failure unread;

	return target->has_library &&
	       outside_open(&outside, &target->process, &target->library, &unread) &&
	       outside_find_pins(&outside, pins);
}

static void add_pins(const struct outside_pins *pins, struct json_object *object)
{
	json_output_number(object, "held_by_live_blocks_bytes", pins->pinned_bytes);
	json_output_number(object, "held_by_live_blocks_pages", pins->pinned_pages);
}

static bool add_json(const struct request *request, const struct target *target,
		     const struct control_purged *purged)
{
	struct json_object *object = json_output_target(target);
	struct outside_pins pins;

	json_output_number(object, "released_bytes", purged->released_bytes);
	json_output_number(object, "elapsed_ns", purged->elapsed_ns);
	json_output_number(object, "left_bytes", purged->left_bytes);
	json_output_number(object, "pinned_bytes", purged->pinned_bytes);
	json_output_number(object, "pinned_threads", purged->pinned_threads);
	json_output_flag(object, "done", purged->is_done != 0);
	if (find_pins(target, &pins))
		add_pins(&pins, object);
	json_object_array_add(request->array, object);
	return true;
}

/* "; ..." or nothing. */
static void describe_pins(const struct outside_pins *pins, char text[128])
{
	*text = '\0';
	if (pins->pinned_bytes)
		snprintf(text, 128,
			 "; %s free stay: %" PRIu64 " page%s hold live blocks beside them",
			 units_mebibytes(pins->pinned_bytes).text, pins->pinned_pages,
			 pins->pinned_pages == 1 ? "" : "s");
}

static void print_text(const struct target *target, const struct control_purged *purged)
{
	char left[96] = "", pinned[128] = "", stays[128] = "";
	struct outside_pins pins;

	if (!purged->is_done)
		snprintf(left, sizeof(left), "; goes on (--wait waits)");
	else if (purged->left_bytes)
		snprintf(left, sizeof(left), "; %s wholly free stay",
			 units_mebibytes(purged->left_bytes).text);
	if (purged->pinned_bytes)
		snprintf(pinned, sizeof(pinned),
			 "; %s in the caches of %" PRIu64 " sleeping threads cannot be had",
			 units_mebibytes(purged->pinned_bytes).text, purged->pinned_threads);
	if (find_pins(target, &pins))
		describe_pins(&pins, stays);
	paragraph_line(0, "%s: gave back %s in %s%s%s%s", target_label(target),
		       units_mebibytes(purged->released_bytes).text,
		       units_nanoseconds(purged->elapsed_ns).text, left, pinned, stays);
}

/* What would go: what is free and has pages. Nothing is asked of the process but its counts. */
static bool estimate(struct target *target, void *argument, struct failure *failure)
{
	struct request *request = argument;
	struct outside_pins pins = { .pinned_pages = 0 };
	struct json_object *object;
	struct look look;
	char stays[128];
	uint64_t bytes;

	if (!look_take(target, 0, &look, failure))
		return false;
	bytes = look.ledger.units_free_bytes + look.ledger.large_free_dirty_bytes +
		look.ledger.queued_bytes + look.ledger.stock_bytes;
	look_free(&look);
	errno = 0;
	if (!find_pins(target, &pins))
		return failure_set(failure, EXIT_REFUSED, "what would stay cannot be told: %s",
				   errno == ETIMEDOUT ?
					   "its heap is too large to be gone through in a second" :
					   "its heap cannot be read from here, or the kernel is "
					   "before 6.7");
	bytes += pins.empty_bytes;
	if (!request->json) {
		describe_pins(&pins, stays);
		paragraph_line(0, "%s: would give back some %s%s", target_label(target),
			       units_mebibytes(bytes).text, stays);
		return true;
	}
	object = json_output_target(target);
	json_output_number(object, "would_release_bytes", bytes);
	add_pins(&pins, object);
	json_object_array_add(request->array, object);
	return true;
}

static bool purge(struct target *target, void *argument, struct failure *failure)
{
	struct request *request = argument;
	struct control_purged purged;
	struct connection connection;
	unsigned patience_ms = CONTROL_TIMEOUT_MS;
	bool done;

	if (!target_connect(target, &connection, failure))
		return false;
	patience_ms += request->purge.timeout_ms;
	done = connection_ask(&connection, CONTROL_PURGE, &request->purge,
			      sizeof(request->purge), &purged, sizeof(purged),
			      patience_ms, failure);
	connection_close(&connection);
	if (!done)
		return false;
	if (request->json)
		return add_json(request, target, &purged);
	print_text(target, &purged);
	return true;
}

static enum exit_code take_options(struct request *request, int argc, char **argv)
{
	bool waits = false;
	double seconds = -1;
	const struct option_row rows[] = {
		{ "all", 'a', .flag = &request->all },
		{ "wait", 'w', .flag = &waits },
		{ "dry-run", 'n', .flag = &request->is_dry },
		{ "timeout", 't', .seconds = &seconds, .most = 60,
		  .expected = "seconds, 60 at most" },
		{ "json", 'j', .flag = &request->json },
		{ NULL },
	};
	enum exit_code code = option_table_take(argc, argv, rows, false);

	request->purge.flags = CONTROL_PURGE_CACHES | CONTROL_PURGE_WAIT;
	request->purge.timeout_ms = seconds >= 0 ? (uint32_t)lround(seconds * 1000) :
				    waits	 ? PATIENCE_MS :
						   SHORT_PATIENCE_MS;
	return code;
}

static int purge_run(int argc, char **argv)
{
	struct request request = { .all = false };
	struct target_list list = { .targets = NULL };
	enum exit_code code = take_options(&request, argc, argv);

	if (code == EXIT_DONE)
		code = arguments_take_targets("purge", argv + optind, request.all,
					      ARGUMENTS_ONE, &list);
	if (code != EXIT_DONE)
		return code;
	if (request.json)
		return arguments_visit_json("purge", &list, request.all,
					    request.is_dry ? estimate : purge, &request,
					    &request.array);
	return arguments_visit("purge", &list, request.all, request.is_dry ? estimate : purge,
			       &request);
}

const struct command purge_command = {
	.name = "purge",
	.arguments = "[-j] [--dry-run] [--wait] [--timeout SECONDS] [TARGET | --all]",
	.summary = "have a process give its free memory back",
	.help = "  -n, --dry-run          say what would go, and what would stay and why\n"
		"  -w, --wait             answer when all is given back, after 60 s at the latest;\n"
		"                         without it after 5 s, and what is left goes on\n"
		"  -t, --timeout SECONDS  wait no longer than that; 60 at most\n"
		"  -a, --all              every process that can be asked\n"
		"  -j, --json             one JSON object; bytes as integers\n"
		"\n"
		"What can be given: pages that are wholly free, in slabs, in the large range and in\n"
		"the caches of threads that sleep. The program's threads notice nothing. What lies\n"
		"free in a page beside a live block stays, and is told.\n",
	.run = purge_run,
};

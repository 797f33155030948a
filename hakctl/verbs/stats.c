/* SPDX-License-Identifier: MIT */
/* `hakctl stats`: the ledger of a process; its classes, threads and nodes; or its rates. */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hakctl/client/arguments.h"
#include "hakctl/command.h"
#include "hakctl/client/json_output.h"
#include "hakctl/client/look.h"
#include "hakctl/client/metric_list.h"
#include "hakctl/client/option_table.h"
#include "hakctl/client/rates.h"
#include "hakctl/verbs/stats_text.h"
#include "hakctl/output/units.h"

struct request {
	bool json, metrics, all;
	unsigned rows;	     /* LOOK_CLASSES | ... */
	double interval_s;   /* 0: once */
	unsigned long times; /* of them; 0: for ever */
	struct json_object *array;
	struct stats_total total;
};

static enum exit_code take_options(struct request *request, int argc, char **argv)
{
	const struct option_row rows[] = {
		{ "json", 'j', .flag = &request->json },
		{ "openmetrics", 'm', .flag = &request->metrics },
		{ "watch", 'w', .seconds = &request->interval_s, .least = 0.05,
		  .expected = "seconds, 0.05 at least, such as 1 or 500ms" },
		{ "count", 'n', .count = &request->times, .least = 1,
		  .expected = "a number above 0" },
		{ "all", 'a', .flag = &request->all },
		{ "classes", .set = &request->rows, .bit = LOOK_CLASSES },
		{ "threads", .set = &request->rows, .bit = LOOK_THREADS },
		{ "nodes", .set = &request->rows, .bit = LOOK_NODES },
		{ NULL },
	};

	return option_table_take(argc, argv, rows, false);
}

static bool print_text(struct target *target, void *argument, struct failure *failure)
{
	struct request *request = argument;
	struct look look;

	if (!look_take(target, request->rows, &look, failure))
		return false;
	stats_text_add(&request->total, target, &look);
	if (request->rows & LOOK_CLASSES)
		stats_text_classes(target, &look);
	if (request->rows & LOOK_THREADS)
		stats_text_threads(target, &look);
	if (request->rows & LOOK_NODES)
		stats_text_nodes(target, &look);
	if (!request->rows)
		stats_text_ledger(target, &look);
	look_free(&look);
	return true;
}

static bool add_json(struct target *target, void *argument, struct failure *failure)
{
	struct request *request = argument;
	struct json_object *object;
	struct look look;

	if (!look_take(target, request->rows, &look, failure))
		return false;
	stats_text_add(&request->total, target, &look);
	object = json_output_target(target);
	stats_text_to_json(target, &look, request->rows, object);
	json_object_array_add(request->array, object);
	look_free(&look);
	return true;
}

struct sources {
	struct metric_source *list;
	size_t count;
};

static bool add_source(struct target *target, void *argument, struct failure *failure)
{
	struct sources *sources = argument;
	struct look *look = calloc(1, sizeof(*look));
	bool done = look && look_take(target, LOOK_CLASSES | LOOK_NODES, look, failure);

	if (done)
		sources->list[sources->count++] =
			(struct metric_source){ .target = target, .look = look };
	return done;
}

static enum exit_code print_metrics(const struct request *request,
				    struct target_list *list)
{
	struct sources sources = { calloc(list->count, sizeof(*sources.list)), 0 };
	struct openmetrics metrics = { .out = stdout };
	enum exit_code code =
		arguments_visit("stats", list, request->all, add_source, &sources);

	metric_list_write(&metrics, sources.list, sources.count, request->rows & LOOK_CLASSES);
	return code;
}

/* One process is no total. */
static enum exit_code print_all(struct request *request, struct target_list *list)
{
	enum exit_code code = arguments_visit("stats", list, request->all, print_text, request);

	if (request->total.processes > 1 && !request->rows)
		stats_text_total(&request->total);
	return code;
}

static enum exit_code print_json(struct request *request, struct target_list *list)
{
	struct json_object *object = json_output_begin("stats");
	enum exit_code code;

	request->array = json_object_new_array();
	json_object_object_add(object, "processes", request->array);
	code = arguments_visit("stats", list, request->all, add_json, request);
	if (request->total.processes > 1)
		json_object_object_add(object, "total", stats_text_total_to_json(&request->total));
	json_output_end(object);
	return code;
}

static int stats_run(int argc, char **argv)
{
	struct request request = { .json = false };
	struct target_list list = { .targets = NULL };
	enum exit_code code = take_options(&request, argc, argv);

	if (code == EXIT_DONE && request.metrics && (request.json || request.interval_s > 0))
		code = arguments_exclude("stats", "--openmetrics",
					 request.json ? "--json" : "--watch");
	if (code == EXIT_DONE && request.interval_s > 0 && request.rows)
		code = arguments_exclude("stats", "--watch", "--classes, --threads or --nodes");
	if (code == EXIT_DONE)
		code = arguments_take_targets("stats", argv + optind, request.all,
					      ARGUMENTS_OUTSIDE, &list);
	if (code != EXIT_DONE)
		return code;
	if (request.interval_s > 0)
		return rates_watch(&list, request.interval_s, request.times,
				   request.json);
	if (request.json)
		return print_json(&request, &list);
	if (request.metrics)
		return print_metrics(&request, &list);
	return print_all(&request, &list);
}

const struct command stats_command = {
	.name = "stats",
	.arguments =
		"[-j | -m | -w SECONDS] [--classes] [--threads] [--nodes] [TARGET... | --all]",
	.summary = "where the memory of a process is, in terms that add up",
	.help = "  -w, --watch SECONDS  what changes, a line every SECONDS\n"
		"  -n, --count N        end after N lines\n"
		"      --classes        blocks by size class\n"
		"      --threads        memory by thread\n"
		"      --nodes          memory by NUMA node\n"
		"  -a, --all            every process that can be asked, and their total\n"
		"  -j, --json           one JSON object; bytes as integers\n"
		"  -m, --openmetrics    as `hakctl metrics`\n"
		"\n"
		"TARGET is a PID, a name or a socket; without one, the only process there is.\n"
		"What is marked as sampled is so, without bias; all else is counted. A process\n"
		"that is stopped or has no helper is read from outside.\n",
	.run = stats_run,
};

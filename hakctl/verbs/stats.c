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

static enum exit_code take_interval(struct request *request, const char *value)
{
	if (units_parse_seconds(value, &request->interval_s) &&
	    request->interval_s >= 0.05)
		return EXIT_DONE;
	return arguments_bad_value("stats", "--watch", value,
				   "seconds, 0.05 at least, such as 1 or 500ms");
}

static enum exit_code take_times(struct request *request, const char *value)
{
	char *end;

	request->times = strtoul(value, &end, 10);
	if (*value >= '0' && *value <= '9' && !*end && request->times)
		return EXIT_DONE;
	return arguments_bad_value("stats", "--count", value, "a number above 0");
}

static void take_flag(struct request *request, int letter)
{
	request->json |= letter == 'j';
	request->metrics |= letter == 'm';
	request->all |= letter == 'a';
	request->rows |= letter == 'C' ? LOOK_CLASSES :
			 letter == 'T' ? LOOK_THREADS :
			 letter == 'N' ? LOOK_NODES :
					 0;
}

static enum exit_code take_options(struct request *request, int argc, char **argv)
{
	static const struct option known[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "openmetrics", no_argument, NULL, 'm' },
		{ "watch", required_argument, NULL, 'w' },
		{ "count", required_argument, NULL, 'n' },
		{ "all", no_argument, NULL, 'a' },
		{ "classes", no_argument, NULL, 'C' },
		{ "threads", no_argument, NULL, 'T' },
		{ "nodes", no_argument, NULL, 'N' },
		{ NULL, 0, NULL, 0 },
	};
	enum exit_code code = EXIT_DONE;
	int letter;

	while (code == EXIT_DONE &&
	       (letter = arguments_next(argc, argv, ":jmaw:n:", known)) != -1) {
		if (letter == 'w')
			code = take_interval(request, optarg);
		else if (letter == 'n')
			code = take_times(request, optarg);
		else if (letter == '?')
			code = EXIT_USAGE;
		else
			take_flag(request, letter);
	}
	return code;
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

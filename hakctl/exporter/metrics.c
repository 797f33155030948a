/* SPDX-License-Identifier: MIT */
/* `hakctl metrics`: the ledgers as OpenMetrics, once or for a Prometheus that asks again. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hakctl/client/arguments.h"
#include "hakctl/command.h"
#include "hakctl/exporter/http_server.h"
#include "hakctl/exporter/slow_targets.h"
#include "hakctl/output/message.h"
#include "hakctl/client/metric_list.h"
#include "hakctl/client/option_table.h"
#include "hakctl/client/roll_call.h"

#define TYPE_OPENMETRICS "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define TYPE_CLASSIC	 "text/plain; version=0.0.4; charset=utf-8"

struct request {
	char **words; /* of the command line; none: all processes */
	const char *listen;
	bool is_classic, wants_classes, is_all;
};

/* What could not be asked is told as such, not as an error: a scrape goes on. */
static void write_page(FILE *out, bool is_classic, bool wants_classes, struct target_list *list)
{
	struct openmetrics metrics = { .out = out, .is_classic = is_classic };
	struct metric_source *sources = calloc(list->count + 1, sizeof(*sources));
	struct look *looks = calloc(list->count + 1, sizeof(*looks));
	unsigned rows = (wants_classes ? LOOK_CLASSES : 0) | LOOK_NODES;

	if (!sources || !looks)
		message_out_of_memory();
	slow_targets_begin_scrape(list, rows);
	for (size_t i = 0; i < list->count; i++) {
		sources[i].target = &list->targets[i];
		if (slow_targets_look(&list->targets[i], rows, &looks[i]))
			sources[i].look = &looks[i];
	}
	roll_call_end();
	metric_list_write(&metrics, sources, list->count, wants_classes);
	for (size_t i = 0; i < list->count; i++)
		look_free(&looks[i]);
	free(looks);
	free(sources);
}

static void make_page(const char *accept, const char *query, struct http_page *page, void *argument)
{
	const struct request *request = argument;
	bool is_classic = request->is_classic ||
			  !strstr(accept, "application/openmetrics-text");
	struct target_list list = { .targets = NULL };
	FILE *out = open_memstream(&page->text, &page->bytes);

	if (!out)
		message_out_of_memory();
	target_list_find_now(&list, request->words);
	write_page(out, is_classic, request->wants_classes || !strncmp(query, "classes", 7), &list);
	target_list_free(&list);
	fclose(out);
	page->type = is_classic ? TYPE_CLASSIC : TYPE_OPENMETRICS;
}

static enum exit_code print_once(const struct request *request)
{
	struct target_list list = { .targets = NULL };
	enum exit_code code = arguments_take_targets(
		"metrics", request->words, !request->words[0], ARGUMENTS_OUTSIDE, &list);

	if (code == EXIT_DONE) {
		code = list.missing;
		write_page(stdout, request->is_classic, request->wants_classes, &list);
	}
	target_list_free(&list);
	return code;
}

static enum exit_code take_options(struct request *request, int argc, char **argv)
{
	static const char *const formats[] = { "openmetrics", "text", NULL };
	unsigned format = 0;
	bool is_default;
	const struct option_row rows[] = {
		{ "listen", 'l', .text = &request->listen },
		{ "format", 'f', .word = &format, .words = formats,
		  .expected = "openmetrics or text" },
		{ "classes", .flag = &request->wants_classes },
		{ "all", 'a', .flag = &request->is_all },
		{ "openmetrics", 'm', .flag = &is_default },
		{ NULL },
	};
	enum exit_code code = option_table_take(argc, argv, rows, false);

	request->is_classic = format == 1;
	request->words = argv + optind;
	return code;
}

static int metrics_run(int argc, char **argv)
{
	struct request request = { .listen = NULL };
	struct failure failure;
	enum exit_code code = take_options(&request, argc, argv);

	if (code == EXIT_DONE && request.is_all && request.words[0])
		code = arguments_exclude("metrics", "--all", "a TARGET");
	if (code != EXIT_DONE)
		return code;
	if (!request.listen)
		return print_once(&request);
	if (http_server_run(request.listen, make_page, &request, &failure))
		return EXIT_DONE;
	message_error("metrics: %s", failure.text);
	return failure.code;
}

const struct command metrics_command = {
	.name = "metrics",
	.arguments = "[--listen [HOST:]PORT] [--format openmetrics|text] [--classes] [TARGET...]",
	.summary = "print OpenMetrics, or serve them to Prometheus",
	.help = "  -l, --listen ADDRESS  serve http://ADDRESS/metrics until ended; PORT alone is on\n"
		"                        the loopback, port 0 any that is free\n"
		"  -f, --format FORMAT   openmetrics, or text: Prometheus's format 0.0.4, which\n"
		"                        `promtool check metrics` reads\n"
		"      --classes         blocks by size class as well, many series; by HTTP also\n"
		"                        /metrics?classes\n"
		"  -a, --all             all processes, as without a TARGET\n"
		"\n"
		"The server finds its targets anew for each scrape and gives each format to those\n"
		"who ask for it. hakmem_answers is 0 for a process that could not be asked. A\n"
		"Grafana dashboard for these metrics comes with the documentation.\n",
	.run = metrics_run,
};

/* SPDX-License-Identifier: MIT */
/* `hakctl map`: a picture of the superslabs of a process, and of where it is written to. */
#include <config.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hakctl/client/arguments.h"
#include "hakctl/command.h"
#include "hakctl/client/json_output.h"
#include "hakctl/verbs/map_picture.h"
#include "hakctl/client/memory_map.h"
#include "hakctl/client/option_table.h"
#include "hakctl/output/units.h"

struct request {
	bool json;
	const char *svg; /* file, "-": standard output; NULL: text */
	double heat_s;	 /* 0: none */
	bool is_sure;	 /* huge pages may be split */
	struct json_object *array;
};

static void add_json(const struct request *request, const struct map_picture *picture)
{
	struct json_object *object = json_output_target(picture->target);
	struct json_object *array = json_object_new_array();

	json_output_number(object, "heap_start", picture->ledger->heap_start);
	json_output_number(object, "superslab_bytes", HEAT_SUPERSLAB_BYTES);
	if (picture->heat)
		json_output_text(object, "heat_by", picture->heat->how);
	for (size_t i = 0; i < picture->count; i++) {
		const struct control_superslab *superslab = &picture->superslabs[i];
		struct json_object *cell = json_object_new_object();

		json_output_number(cell, "address",
				   picture->ledger->heap_start + i * HEAT_SUPERSLAB_BYTES);
		json_output_text(cell, "kind",
				 map_picture_name(map_picture_cell(superslab)));
		json_output_number(cell, "live_units", superslab->live_units);
		json_output_number(cell, "live_bytes", map_picture_live_bytes(superslab));
		json_output_number(cell, "dirty_units", superslab->dirty_units);
		json_output_number(cell, "fill", superslab->fill);
		json_output_number(cell, "node", superslab->node);
		if (picture->heat)
			json_output_number(cell, "written_bytes",
					   i < picture->heat->count ?
						   picture->heat->written_bytes[i] :
						   0);
		json_object_array_add(array, cell);
	}
	json_object_object_add(object, "superslabs", array);
	json_object_array_add(request->array, object);
}

static bool write_svg(const struct request *request, const struct map_picture *picture,
		      struct failure *failure)
{
	FILE *out = strcmp(request->svg, "-") ? fopen(request->svg, "we") : stdout;

	if (!out)
		return failure_set(failure, EXIT_REFUSED, "%s: %s", request->svg,
				   strerror(errno));
	map_picture_svg(picture, out);
	if (ferror(out) || (out == stdout ? fflush(out) : fclose(out)) != 0)
		return failure_set(failure, EXIT_REFUSED, "%s: %s", request->svg,
				   strerror(errno));
	return true;
}

static bool ask(struct target *target, struct control_ledger *ledger,
		struct reply_rows *rows, struct failure *failure)
{
	struct connection connection;
	bool done;

	if (!target_connect(target, &connection, failure))
		return false;
	done = connection_ask(&connection, CONTROL_STATS, NULL, 0, ledger,
			      sizeof(*ledger), 0, failure) &&
	       connection_ask_rows(&connection, CONTROL_MAP, rows, failure);
	connection_close(&connection);
	return done;
}

/* Of now, not of when the library last asked. */
static uint64_t huge_bytes(const struct target *target, const struct control_ledger *ledger)
{
	struct memory_map map;
	struct failure unused;
	uint64_t bytes = 0;

	if (!memory_map_read(&target->process, ledger->heap_start, ledger->heap_end, &map, &unused))
		return 0;
	for (size_t i = 0; i < map.count; i++)
		bytes += map.ranges[i].huge_bytes;
	memory_map_free(&map);
	return bytes;
}

/*
 * A huge page that is protected falls apart, and the program is slower until the kernel mends it.
 */
static bool may_split(const struct target *target, const struct control_ledger *ledger,
		      struct failure *failure)
{
	uint64_t bytes = huge_bytes(target, ledger);
	uint64_t live = look_live_bytes(ledger);
	char answer[8] = "";

	if (!bytes)
		return true;
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return failure_set(
			failure, EXIT_REFUSED,
			"would split its %s in huge pages, which come back slowly, and "
			"cost it a fault for each page of %s that it writes to; --yes does it all the same",
			units_mebibytes(bytes).text, units_mebibytes(live).text);
	fprintf(stderr,
		"%s has %s in huge pages: --heat splits them, and they come back slowly.\n"
		"Of %s that live each page that is written to takes one fault, a microsecond or so. Go on? [y/N] ",
		target_label(target), units_mebibytes(bytes).text, units_mebibytes(live).text);
	if (fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y'))
		return true;
	return failure_set(failure, EXIT_REFUSED, "left as it is");
}

static bool show(struct target *target, void *argument, struct failure *failure)
{
	struct request *request = argument;
	struct reply_rows rows = { .row_bytes = sizeof(struct control_superslab) };
	struct control_ledger ledger;
	struct map_picture picture = { .target = target, .ledger = &ledger };
	struct heat heat = { .written_bytes = NULL };
	bool done = ask(target, &ledger, &rows, failure);

	if (done && request->heat_s > 0)
		done = request->is_sure || may_split(target, &ledger, failure);
	if (done && request->heat_s > 0) {
		done = heat_measure(target, &ledger, &rows, request->heat_s, &heat,
				    failure);
		picture.heat = &heat;
	}
	picture.superslabs = (const void *)rows.rows;
	picture.count = rows.count;
	if (done && request->json)
		add_json(request, &picture);
	else if (done && request->svg)
		done = write_svg(request, &picture, failure);
	else if (done)
		map_picture_text(&picture);
	heat_free(&heat);
	reply_free_rows(&rows);
	return done;
}

static enum exit_code take_options(struct request *request, int argc, char **argv)
{
	const struct option_row rows[] = {
		{ "json", 'j', .flag = &request->json },
		{ "svg", 's', .text = &request->svg },
		{ "heat", .seconds = &request->heat_s, .least = 1e-9, .most = 60,
		  .expected = "seconds, 60 at most" },
		{ "yes", 'y', .flag = &request->is_sure },
		{ NULL },
	};

	return option_table_take(argc, argv, rows, false);
}

static int map_run(int argc, char **argv)
{
	struct request request = { .json = false };
	struct target_list list = { .targets = NULL };
	enum exit_code code = take_options(&request, argc, argv);

	if (code == EXIT_DONE && request.json && request.svg)
		code = arguments_exclude("map", "--json", "--svg");
	if (code == EXIT_DONE)
		code = arguments_take_targets("map", argv + optind, false, ARGUMENTS_ONE,
					      &list);
	if (code != EXIT_DONE)
		return code;
	if (request.json)
		return arguments_visit_json("map", &list, false, show, &request,
					    &request.array);
	return arguments_visit("map", &list, false, show, &request);
}

const struct command map_command = {
	.name = "map",
	.arguments = "[-j | --svg FILE] [--heat SECONDS [--yes]] [TARGET]",
	.summary = "draw the heap of a process",
	.help = "  -s, --svg FILE      as a picture; - is standard output\n"
		"      --heat SECONDS  mark what is written to within that time; 60 at most\n"
		"  -y, --yes           do not ask before huge pages are split\n"
		"  -j, --json          one JSON object; bytes as integers\n"
		"\n"
		"Heat is measured by write-protecting the live pages, each until it is written to;\n"
		"a huge page that is, stays mapped by small pages until the kernel mends it, so it\n"
		"asks first where there are some.\n"
		"A cell is a superslab of 2 MiB: live in parts or whole, large blocks, free with its\n"
		"pages kept, stock, armed (missing, and watched for stray accesses), unused.\n",
	.run = map_run,
};

/* SPDX-License-Identifier: MIT */
/*
 * `hakctl numa`: the machine's NUMA nodes, and a process's heap by node, a column a node, as
 * numastat has it.
 */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hakctl/client/arguments.h"
#include "hakctl/command.h"
#include "hakctl/client/look.h"
#include "hakctl/client/option_table.h"
#include "hakctl/verbs/numa_machine.h"
#include "hakctl/verbs/stats_text.h"
#include "hakctl/output/paragraph.h"
#include "hakctl/output/style.h"
#include "hakctl/output/table.h"
#include "support/page_size.h"

/* Columns beside the label and the total. */
enum { MOST_NODES = 16 };

enum { LABEL_COLUMNS = 14, WIDE = 14, NARROW = 10 };

#define MEBIBYTE (1024. * 1024)

/* What lies where, as the kernel says, in bytes by node. */
struct placement {
	uint64_t bytes[MOST_NODES];
	bool is_known;
};

/* " N0=12 N1=3 kernelpagesize_kB=4", after the address and the policy. */
static void add_range(struct placement *placement, const char *line)
{
	const char *unit = strstr(line, " kernelpagesize_kB=");
	uint64_t page_bytes = unit ? strtoull(unit + 19, NULL, 10) * 1024 : page_size();

	for (const char *at = line; (at = strstr(at, " N")); at += 2) {
		unsigned node;
		uint64_t pages;

		if (sscanf(at, " N%u=%" SCNu64, &node, &pages) == 2 && node < MOST_NODES)
			placement->bytes[node] += pages * page_bytes;
	}
}

static void read_placement(const struct target *target,
			   const struct control_ledger *ledger,
			   struct placement *placement)
{
	char path[64], line[4096];
	FILE *maps;

	*placement = (struct placement){ .is_known = false };
	snprintf(path, sizeof(path), "/proc/%d/numa_maps", (int)target->process.pid);
	maps = fopen(path, "re");
	while (maps && fgets(line, sizeof(line), maps)) {
		uint64_t start = strtoull(line, NULL, 16);

		if ((start >= ledger->heap_start && start < ledger->heap_end) ||
		    (start >= ledger->metadata_start && start < ledger->metadata_end)) {
			add_range(placement, line);
			placement->is_known = true;
		}
	}
	if (maps)
		fclose(maps);
}

/* As numastat's, or closer together where the terminal is narrow. */
static int column_width(const struct look *look)
{
	int wide = LABEL_COLUMNS + ((int)look->nodes.count + 1) * (1 + WIDE);

	return style_columns() && style_columns() < wide ? NARROW : WIDE;
}

static void print_number(const struct look *look, double number, int decimals)
{
	printf(" %*.*f", column_width(look), decimals, number);
}

static void print_row(const char *label, const struct look *look, size_t offset,
		      bool is_bytes)
{
	double total = 0;

	printf("%-*s", LABEL_COLUMNS, label);
	for (size_t i = 0; i < look->nodes.count && i < MOST_NODES; i++) {
		uint64_t value;

		memcpy(&value, look->nodes.rows + i * look->nodes.row_bytes + offset,
		       sizeof(value));
		print_number(look, is_bytes ? (double)value / MEBIBYTE : (double)value,
			     is_bytes ? 2 : 0);
		total += (double)value;
	}
	print_number(look, is_bytes ? total / MEBIBYTE : total, is_bytes ? 2 : 0);
	putchar('\n');
}

static void print_placement(const struct look *look, const struct placement *placement)
{
	const struct control_node *nodes = (const void *)look->nodes.rows;
	double total = 0;

	printf("%-*s", LABEL_COLUMNS, "Populated");
	for (size_t i = 0; i < look->nodes.count && i < MOST_NODES; i++) {
		uint64_t bytes =
			nodes[i].node < MOST_NODES ? placement->bytes[nodes[i].node] : 0;

		print_number(look, (double)bytes / MEBIBYTE, 2);
		total += (double)bytes;
	}
	print_number(look, total / MEBIBYTE, 2);
	putchar('\n');
}

static void print_titles(const struct target *target, const struct look *look)
{
	const struct control_node *nodes = (const void *)look->nodes.rows;
	int width = column_width(look);

	putchar('\n');
	paragraph_line(0, "Per-node memory (in MiB) of %s", target_label(target));
	printf("%*s", LABEL_COLUMNS, "");
	for (size_t i = 0; i < look->nodes.count && i < MOST_NODES; i++)
		printf(" %*sNode %-2u", width - 7 > 0 ? width - 7 : 0, "", nodes[i].node);
	printf(" %*s\n%*s", width, "Total", LABEL_COLUMNS, "");
	for (size_t i = 0; i <= look->nodes.count && i <= MOST_NODES; i++)
		printf(" %.*s", width, "--------------");
	putchar('\n');
}

static void print_text(const struct target *target, const struct look *look)
{
	struct placement placement;

	print_titles(target, look);
	print_row("Opened", look, offsetof(struct control_node, opened_bytes), true);
	read_placement(target, &look->ledger, &placement);
	if (placement.is_known)
		print_placement(look, &placement);
	print_row("Slabs", look, offsetof(struct control_node, slabs_bytes), true);
	print_row("Live", look, offsetof(struct control_node, live_bytes), true);
	print_row("Stock", look, offsetof(struct control_node, stock_bytes), true);
	print_row("Misplaced", look, offsetof(struct control_node, misplaced_bytes),
		  true);
	print_row("Remote frees", look, offsetof(struct control_node, remote_frees),
		  false);
}

/* Beside what the library says of its nodes; nothing where the kernel does not tell. */
static void add_placement(const struct target *target, const struct look *look,
			  struct json_object *object)
{
	struct json_object *array;
	struct placement placement;

	read_placement(target, &look->ledger, &placement);
	if (!placement.is_known || !json_object_object_get_ex(object, "per_node", &array))
		return;
	for (size_t i = 0; i < look->nodes.count; i++) {
		uint32_t node = ((const struct control_node *)(void *)look->nodes.rows)[i].node;

		json_output_number(json_object_array_get_idx(array, i), "populated_bytes",
				   node < MOST_NODES ? placement.bytes[node] : 0);
	}
}

static bool show(struct target *target, void *argument, struct failure *failure)
{
	struct arguments_looking *request = argument;
	struct look look;

	if (!look_take(target, LOOK_NODES, &look, failure))
		return false;
	if (look.from_outside) {
		look_free(&look);
		return failure_set(failure, EXIT_REFUSED,
				   "%s; its nodes are not in its snapshot",
				   look.why_outside);
	}
	if (request->json) {
		struct json_object *object = json_output_target(target);

		stats_text_to_json(target, &look, LOOK_NODES, object);
		add_placement(target, &look, object);
		json_object_array_add(request->array, object);
	} else {
		print_text(target, &look);
	}
	look_free(&look);
	return true;
}

static int show_machine(bool json)
{
	struct json_object *object, *nodes;

	if (!json) {
		numa_machine_print();
		return EXIT_DONE;
	}
	object = json_output_begin("numa");
	nodes = numa_machine_to_json();
	json_object_object_add(object, "machine", nodes ? nodes : json_object_new_array());
	json_output_end(object);
	return EXIT_DONE;
}

static int numa_run(int argc, char **argv)
{
	struct arguments_looking looking = { .json = false };
	struct target_list list = { .targets = NULL };
	bool machine = false;
	const struct option_row rows[] = {
		{ "json", 'j', .flag = &looking.json },
		{ "all", 'a', .flag = &looking.all },
		{ "machine", 'm', .flag = &machine },
		{ NULL },
	};
	enum exit_code code = option_table_take(argc, argv, rows, false);

	if (code != EXIT_DONE)
		return code;
	if (machine && (looking.all || argv[optind]))
		return arguments_exclude("numa", "--machine", "processes");
	if (machine)
		return show_machine(looking.json);
	code = arguments_take_targets("numa", argv + optind, looking.all, ARGUMENTS_MANY, &list);
	if (code != EXIT_DONE)
		return code;
	if (looking.json)
		return arguments_visit_json("numa", &list, looking.all, show, &looking,
					    &looking.array);
	return arguments_visit("numa", &list, looking.all, show, &looking);
}

const struct command numa_command = {
	.name = "numa",
	.arguments = "[-j] [--machine | TARGET... | --all]",
	.summary = "show the heap by NUMA node, or the machine's nodes",
	.help = "  -a, --all      every process that can be asked\n"
		"  -j, --json     one JSON object; bytes as integers\n"
		"  -m, --machine  the machine's nodes instead: processors, memory, distances; pages\n"
		"                 that came from the node that was wanted (hits) and from it though\n"
		"                 another was wanted (misses), since the machine's start\n"
		"\n"
		"Populated is the kernel's word (numa_maps), all else the library's. Misplaced is\n"
		"memory of a node's superslabs and large blocks whose pages are on another.\n",
	.run = numa_run,
};

/* SPDX-License-Identifier: MIT */
/*
 * See numa_machine.h; libnuma(3) reads what the kernel says. It is loaded here, by nobody else: its
 * constructor asks for the memory policy, and a filter may kill for that.
 */
#include <config.h>

#include "hakctl/verbs/numa_machine.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <numa.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "hakctl/client/json_output.h"
#include "hakctl/output/paragraph.h"
#include "hakctl/output/table.h"
#include "hakctl/output/units.h"

enum { NODE_TEXT_BYTES = 256 };

static struct {
	__typeof__(numa_available) *available;
	__typeof__(numa_max_node) *max_node;
	__typeof__(numa_node_size64) *node_size64;
	__typeof__(numa_distance) *distance;
	__typeof__(numa_allocate_cpumask) *allocate_cpumask;
	__typeof__(numa_node_to_cpus) *node_to_cpus;
	__typeof__(numa_bitmask_isbitset) *bitmask_isbitset;
	__typeof__(numa_bitmask_clearall) *bitmask_clearall;
	__typeof__(numa_bitmask_free) *bitmask_free;
	struct bitmask **nodes;
} numa;

static const struct {
	void *place;
	const char *name;
} wanted[] = {
	{ &numa.available, "numa_available" },
	{ &numa.max_node, "numa_max_node" },
	{ &numa.node_size64, "numa_node_size64" },
	{ &numa.distance, "numa_distance" },
	{ &numa.allocate_cpumask, "numa_allocate_cpumask" },
	{ &numa.node_to_cpus, "numa_node_to_cpus" },
	{ &numa.bitmask_isbitset, "numa_bitmask_isbitset" },
	{ &numa.bitmask_clearall, "numa_bitmask_clearall" },
	{ &numa.bitmask_free, "numa_bitmask_free" },
	{ &numa.nodes, "numa_nodes_ptr" },
};

/* NULL: it can be asked; else why not. */
static const char *load(void)
{
	void *library = dlopen("libnuma.so.1", RTLD_NOW);

	if (!library)
		return "libnuma.so.1 cannot be loaded (Debian: libnuma1)";
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		*(void **)wanted[i].place = dlsym(library, wanted[i].name);
		if (!*(void **)wanted[i].place)
			return "libnuma.so.1 is too old";
	}
	return numa.available() < 0 ? "the kernel tells nothing of NUMA nodes here" : NULL;
}

struct machine_node {
	int number;
	uint64_t memory_bytes, free_bytes;
	uint64_t hits, misses; /* pages: given where wanted; given here, wanted elsewhere */
	char processors[NODE_TEXT_BYTES];
};

/* "0-3,8"; "-": none. */
static void write_processors(int node, char text[NODE_TEXT_BYTES])
{
	struct bitmask *set = numa.allocate_cpumask();
	size_t length = 0;

	snprintf(text, NODE_TEXT_BYTES, "-");
	if (!set)
		return;
	if (numa.node_to_cpus(node, set) != 0)
		numa.bitmask_clearall(set);
	for (unsigned from = 0, to; from < set->size && length < NODE_TEXT_BYTES; from = to + 1) {
		for (to = from; to + 1 < set->size && numa.bitmask_isbitset(set, from) &&
				numa.bitmask_isbitset(set, to + 1); to++)
			;
		if (!numa.bitmask_isbitset(set, from))
			continue;
		length += (size_t)snprintf(text + length, NODE_TEXT_BYTES - length,
					   from == to ? "%s%u" : "%s%u-%u", length ? "," : "",
					   from, to);
	}
	numa.bitmask_free(set);
}

static void read_hits(struct machine_node *node)
{
	char path[96], name[32];
	uint64_t value;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/numastat", node->number);
	file = fopen(path, "re");
	while (file && fscanf(file, "%31s %" SCNu64, name, &value) == 2) {
		if (strcmp(name, "numa_hit") == 0)
			node->hits = value;
		else if (strcmp(name, "numa_miss") == 0)
			node->misses = value;
	}
	if (file)
		fclose(file);
}

/* The next node from a number on; false: there is none. */
static bool read_node(int from, struct machine_node *node)
{
	long long memory, left = 0;

	for (; from <= numa.max_node(); from++)
		if (numa.bitmask_isbitset(*numa.nodes, (unsigned)from))
			break;
	if (from > numa.max_node())
		return false;
	*node = (struct machine_node){ .number = from };
	memory = numa.node_size64(from, &left);
	if (memory > 0) {
		node->memory_bytes = (uint64_t)memory;
		node->free_bytes = (uint64_t)left;
	}
	write_processors(from, node->processors);
	read_hits(node);
	return true;
}

/* "10 21": to each node in turn. */
static void write_distances(int from, char text[NODE_TEXT_BYTES])
{
	size_t length = 0;

	text[0] = '\0';
	for (int to = 0; to <= numa.max_node() && length < NODE_TEXT_BYTES; to++)
		if (numa.bitmask_isbitset(*numa.nodes, (unsigned)to))
			length += (size_t)snprintf(text + length, NODE_TEXT_BYTES - length,
						   "%s%d", length ? " " : "",
						   numa.distance(from, to));
}

void numa_machine_print(void)
{
	static const struct table_column columns[] = {
		{ "NODE", TABLE_RIGHT },  { "PROCESSORS", TABLE_LEFT }, { "MEMORY", TABLE_RIGHT },
		{ "FREE", TABLE_RIGHT },  { "HITS", TABLE_RIGHT },	{ "MISSES", TABLE_RIGHT },
		{ "DISTANCES", TABLE_LEFT },
	};
	const char *why = load();
	struct machine_node node;
	struct table table;

	if (why) {
		paragraph_line(0, "This machine: %s", why);
		return;
	}
	table_begin(&table, columns, sizeof(columns) / sizeof(columns[0]));
	for (int from = 0; read_node(from, &node); from = node.number + 1) {
		char distances[NODE_TEXT_BYTES];

		write_distances(node.number, distances);
		table_add(&table, STYLE_PLAIN, "%d", node.number);
		table_add(&table, STYLE_PLAIN, "%s", node.processors);
		table_add(&table, STYLE_PLAIN, "%s", units_bytes(node.memory_bytes).text);
		table_add(&table, STYLE_PLAIN, "%s", units_bytes(node.free_bytes).text);
		table_add(&table, STYLE_PLAIN, "%s", units_count((double)node.hits).text);
		table_add(&table, STYLE_PLAIN, "%s", units_count((double)node.misses).text);
		table_add(&table, STYLE_PLAIN, "%s", distances);
	}
	table_print(&table);
}

struct json_object *numa_machine_to_json(void)
{
	struct json_object *nodes, *object, *distances;
	struct machine_node node;

	if (load())
		return NULL;
	nodes = json_object_new_array();
	for (int from = 0; read_node(from, &node); from = node.number + 1) {
		json_object_array_add(nodes, object = json_object_new_object());
		json_output_number(object, "node", (uint64_t)node.number);
		json_output_text(object, "processors", node.processors);
		json_output_number(object, "memory_bytes", node.memory_bytes);
		json_output_number(object, "free_bytes", node.free_bytes);
		json_output_number(object, "hit_pages", node.hits);
		json_output_number(object, "miss_pages", node.misses);
		json_object_object_add(object, "distances", distances = json_object_new_array());
		for (int to = 0; to <= numa.max_node(); to++)
			if (numa.bitmask_isbitset(*numa.nodes, (unsigned)to))
				json_object_array_add(
					distances,
					json_object_new_int(numa.distance(node.number, to)));
	}
	return nodes;
}

/* SPDX-License-Identifier: MIT */
/*
 * Does the tool say of nodes, threads and superslabs what the kernel says? The real tool asks the
 * real library, in a process whose threads each fill memory on a node of their own.
 */
#include <json-c/json.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/contract/case.h"
#include "tests/numa/placement.h"

#define MiB		(1024.0 * 1024)
#define BLOCK_BYTES	1000
#define LARGE_BYTES	((size_t)5 << 20)
#define BLOCKS		(16u << 10)	/* 16 MiB, and one large block */
#define MOST_THREADS	16
#define ALWAYS		"helpers:always,control:always"

struct filler {
	pthread_t thread;
	int node;	/* runs there */
	pid_t id;
	char *blocks[BLOCKS], *large;
};

static struct filler fillers[MOST_THREADS];
static int filler_count;
static pthread_barrier_t filled;

static void *fill_and_wait(void *argument)
{
	struct filler *filler = argument;
	unsigned i;

	CHECK(run_on(filler->node));
	filler->id = gettid();
	for (i = 0; i < BLOCKS; i++) {
		CHECK(filler->blocks[i] = malloc(BLOCK_BYTES));
		memset(filler->blocks[i], 1, BLOCK_BYTES);
	}
	CHECK(filler->large = malloc(LARGE_BYTES));
	memset(filler->large, 1, LARGE_BYTES);
	pthread_barrier_wait(&filled);
	pause();
	return NULL;
}

/* One thread on each node that has processors. */
static void fill_all_nodes(void)
{
	const struct machine *nodes = machine();
	int i;

	need_two_nodes();
	pthread_barrier_init(&filled, NULL, (unsigned)nodes->cpus_count + 1);
	for (i = 0; i < nodes->cpus_count && i < MOST_THREADS; i++) {
		fillers[i].node = nodes->with_cpus[i];
		CHECK(pthread_create(&fillers[i].thread, NULL, fill_and_wait, &fillers[i]) == 0);
	}
	filler_count = i;
	pthread_barrier_wait(&filled);
}

/* What the tool prints of this process, which is its first and only one. */
static struct json_object *ask(const char *verb)
{
	static char text[8 << 20];
	struct json_object *answer, *processes;
	const char *tool = getenv("HAKCTL");
	char command[256];
	size_t bytes;
	FILE *pipe;

	if (!tool || access(tool, X_OK) != 0)
		contract_skip("there is no tool");
	snprintf(command, sizeof(command), "LD_PRELOAD= %s %s -j %d", tool, verb, (int)getpid());
	CHECK(pipe = popen(command, "re"));
	bytes = fread(text, 1, sizeof(text) - 1, pipe);
	text[bytes] = '\0';
	CHECK_THAT(pclose(pipe) == 0, "%s: %s", command, text);
	CHECK_THAT(answer = json_tokener_parse(text), "%s", text);
	CHECK(json_object_object_get_ex(answer, "processes", &processes));
	return json_object_array_get_idx(processes, 0);
}

static uint64_t number_of(struct json_object *object, const char *name)
{
	struct json_object *value;

	CHECK_THAT(json_object_object_get_ex(object, name, &value), "there is no %s", name);
	return (uint64_t)json_object_get_int64(value);
}

static struct json_object *rows_of(struct json_object *object, const char *name)
{
	struct json_object *rows;

	CHECK_THAT(json_object_object_get_ex(object, name, &rows), "there is no %s", name);
	return rows;
}

/* Pages of the fillers' blocks on the node, as move_pages says. */
static double filled_bytes_on(int node)
{
	struct placed placed = { 0, 0 };
	unsigned i;
	int filler;

	for (filler = 0; filler < filler_count; filler++) {
		for (i = 0; i < BLOCKS; i++)
			if (((uintptr_t)fillers[filler].blocks[i] & 4095) < BLOCK_BYTES)
				count_pages(fillers[filler].blocks[i], 1, node, &placed);
		count_pages(fillers[filler].large, LARGE_BYTES, node, &placed);
	}
	return (double)placed.right * (double)sysconf(_SC_PAGESIZE);
}

/* What the fillers whose memory should be there have asked for. */
static double live_bytes_on(int node)
{
	double bytes = 0;
	int i;

	for (i = 0; i < filler_count; i++)
		if (memory_node_of(fillers[i].node) == node)
			bytes += (double)BLOCKS * 1008 + (double)LARGE_BYTES;
	return bytes;
}

/* numa_maps of the heap. */
static double mapped_bytes_on(int node, uint64_t start, uint64_t end)
{
	FILE *places = fopen("/proc/self/numa_maps", "re");
	char line[4096], name[16];
	double bytes = 0;

	CHECK(places);
	snprintf(name, sizeof(name), " N%d=", node);
	while (fgets(line, sizeof(line), places)) {
		uint64_t address = strtoull(line, NULL, 16);
		const char *at = strstr(line, name), *size = strstr(line, "kernelpagesize_kB=");

		if (address >= start && address < end && at && size)
			bytes += (double)strtoul(at + strlen(name), NULL, 10) *
				 (double)strtoul(size + 18, NULL, 10) * 1024;
	}
	fclose(places);
	return bytes;
}

static void nodes_have_what_their_threads_filled(void)
{
	struct json_object *map, *rows;
	uint64_t start, end;
	size_t i;

	fill_all_nodes();
	map = ask("map");
	start = number_of(map, "heap_start");
	end = start + (json_object_array_length(rows_of(map, "superslabs")) << 21);
	rows = rows_of(ask("numa"), "per_node");
	CHECK_THAT((int)json_object_array_length(rows) == machine()->memory_count, "%zu rows",
		   json_object_array_length(rows));
	for (i = 0; i < json_object_array_length(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);
		int node = (int)number_of(row, "node");
		double live = (double)number_of(row, "live_bytes");
		double populated = (double)number_of(row, "populated_bytes");
		double mapped = mapped_bytes_on(node, start, end),
		       filled_there = filled_bytes_on(node);

		printf("table: node %d: live %.1f MiB (%.1f asked), populated %.1f MiB "
		       "(numa_maps %.1f, of our blocks %.1f), opened %.1f, misplaced %.1f\n",
		       node, live / MiB, live_bytes_on(node) / MiB, populated / MiB, mapped / MiB,
		       filled_there / MiB, (double)number_of(row, "opened_bytes") / MiB,
		       (double)number_of(row, "misplaced_bytes") / MiB);
		fflush(stdout);
		CHECK_THAT(node == machine()->with_memory[i], "row %zu is of node %d", i, node);
		CHECK(live >= 0.98 * live_bytes_on(node));
		CHECK(live <= 1.02 * live_bytes_on(node) + 2 * MiB);
		CHECK(populated >= 0.98 * filled_there);
		CHECK(populated >= 0.98 * mapped - 1 * MiB);
		CHECK(populated <= 1.02 * mapped + 6 * MiB);	/* metadata */
		CHECK((double)number_of(row, "opened_bytes") >= live);
		CHECK((double)number_of(row, "slabs_bytes") <=
		      (double)number_of(row, "opened_bytes"));
		CHECK((double)number_of(row, "misplaced_bytes") <= 0.02 * live);
	}
}

static void threads_have_the_node_they_run_on(void)
{
	struct json_object *rows;
	size_t i;
	int filler, found = 0;

	fill_all_nodes();
	rows = rows_of(ask("stats --threads"), "per_thread");
	for (i = 0; i < json_object_array_length(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);

		for (filler = 0; filler < filler_count; filler++) {
			/* A heap that waits was left behind when a thread moved. */
			if ((pid_t)number_of(row, "thread") != fillers[filler].id)
				continue;
			CHECK_THAT((int)number_of(row, "node") ==
					   memory_node_of(fillers[filler].node),
				   "thread on node %d: node %d", fillers[filler].node,
				   (int)number_of(row, "node"));
			found++;
		}
	}
	CHECK_THAT(found == filler_count, "%d of %d threads are shown", found, filler_count);
}

static void the_map_has_the_node_of_each_block(void)
{
	struct json_object *process, *cells;
	uint64_t start, right = 0, seen = 0;
	int filler;
	unsigned i;

	fill_all_nodes();
	process = ask("map");
	cells = rows_of(process, "superslabs");
	start = number_of(process, "heap_start");
	for (filler = 0; filler < filler_count; filler++)
		for (i = 0; i <= BLOCKS; i++) {
			const char *block = i < BLOCKS ? fillers[filler].blocks[i] :
							 fillers[filler].large;
			size_t cell = ((uintptr_t)block - start) >> 21;

			CHECK(cell < json_object_array_length(cells));
			right += (int)number_of(json_object_array_get_idx(cells, cell), "node") ==
				 node_of_page(block);
			seen++;
		}
	CHECK_THAT(right * 100 >= seen * 99, "%llu of %llu blocks", (unsigned long long)right,
		   (unsigned long long)seen);
}

static const struct contract_case cases[] = {
	CASE_WITH(nodes_have_what_their_threads_filled, ALWAYS),
	CASE_WITH(threads_have_the_node_they_run_on, ALWAYS),
	CASE_WITH(the_map_has_the_node_of_each_block, ALWAYS),
};

CONTRACT_MAIN(cases)

/* SPDX-License-Identifier: MIT */
/*
 * placement.c - see placement.h.
 */
#include "tests/numa/placement.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/contract/case.h"

#define PAGE	   ((size_t)sysconf(_SC_PAGESIZE))
#define QUERY_MOST 512
#define LOOKS	   100
#define FOLDER	   "/sys/devices/system/node/"

/* "0-1,3" */
static int read_list(const char *path, int *numbers, int most)
{
	FILE *file = fopen(path, "re");
	int count = 0, from, to;

	if (!file)
		return 0;
	while (fscanf(file, "%d", &from) == 1) {
		to = from;
		if (fscanf(file, "-%d", &to) < 0)
			to = from;
		for (; from <= to && count < most; from++)
			numbers[count++] = from;
		if (fgetc(file) != ',')
			break;
	}
	fclose(file);
	return count;
}

const struct machine *machine(void)
{
	static struct machine found;

	if (!found.memory_count) {
		found.memory_count =
			read_list(FOLDER "has_memory", found.with_memory, NODES_MAX);
		found.cpus_count = read_list(FOLDER "has_cpu", found.with_cpus, NODES_MAX);
	}
	return &found;
}

void need_two_nodes(void)
{
	if (machine()->memory_count < 2)
		contract_skip("this machine has one node with memory");
}

bool run_on(int node)
{
	int cpus[CPU_SETSIZE], count, i;
	char path[PATH_MAX];
	cpu_set_t set;

	snprintf(path, sizeof(path), FOLDER "node%d/cpulist", node);
	count = read_list(path, cpus, CPU_SETSIZE);
	CPU_ZERO(&set);
	for (i = 0; i < count; i++)
		CPU_SET(cpus[i], &set);
	return count && sched_setaffinity(0, sizeof(set), &set) == 0;
}

int this_node(void)
{
	unsigned cpu, node;

	return getcpu(&cpu, &node) == 0 ? (int)node : -1;
}

static int distance(int from, int to)
{
	char path[PATH_MAX];
	int online[NODES_MAX], count, i, value = INT_MAX;
	FILE *file;

	count = read_list(FOLDER "online", online, NODES_MAX);
	snprintf(path, sizeof(path), FOLDER "node%d/distance", from);
	file = fopen(path, "re");
	for (i = 0; file && i < count; i++)
		if (fscanf(file, "%d", &value) != 1 || online[i] == to)
			break;
	if (file)
		fclose(file);
	return value;
}

int memory_node_of(int node)
{
	const struct machine *nodes = machine();
	int i, best = nodes->with_memory[0];

	for (i = 0; i < nodes->memory_count; i++) {
		if (nodes->with_memory[i] == node)
			return node;
		if (distance(node, nodes->with_memory[i]) < distance(node, best))
			best = nodes->with_memory[i];
	}
	return best;
}

/* The kernel may have the page in hand, to make a huge one of it: it is back in a moment. */
int node_of_page(const void *address)
{
	void *page = (void *)((uintptr_t)address & ~(PAGE - 1));
	int status = -1;

	for (int i = 0; status < 0 && i < LOOKS; i++) {
		if (i)
			usleep(1000);
		if (syscall(SYS_move_pages, 0, 1ul, &page, NULL, &status, 0) != 0)
			return -1;
	}
	return status < 0 ? -1 : status;
}

void count_pages(const void *start, size_t bytes, int node, struct placed *placed)
{
	uintptr_t page = (uintptr_t)start & ~(PAGE - 1), end = (uintptr_t)start + bytes;
	void *pages[QUERY_MOST];
	int status[QUERY_MOST];

	while (page < end) {
		unsigned long count = 0, i;

		for (; page < end && count < QUERY_MOST; page += PAGE)
			pages[count++] = (void *)page;
		CHECK(syscall(SYS_move_pages, 0, count, pages, NULL, status, 0) == 0);
		for (i = 0; i < count; i++) {
			placed->pages += status[i] >= 0;
			placed->right += status[i] == node;
		}
	}
}

size_t node_free_kib(int node)
{
	char path[PATH_MAX], line[256];
	size_t kib = 0;
	FILE *file;

	snprintf(path, sizeof(path), FOLDER "node%d/meminfo", node);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "Node %*d MemFree: %zu", &kib) == 1)
			break;
	if (file)
		fclose(file);
	return kib;
}

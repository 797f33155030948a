/* SPDX-License-Identifier: MIT */
/*
 * placement.c - see placement.h. libnuma(3) tells what the machine is like; it knows nothing of
 * ours.
 */
#include "tests/numa/placement.h"

#include <numa.h>
#include <sched.h>
#include <stdint.h>
#include <unistd.h>

#include "tests/contract/case.h"

#define PAGE	   ((size_t)sysconf(_SC_PAGESIZE))
#define QUERY_MOST 512
#define LOOKS	   100

const struct machine *machine(void)
{
	static struct machine found;
	int node;

	if (found.memory_count || numa_available() < 0)
		return &found;
	for (node = 0; node <= numa_max_node() && node < NODES_MAX; node++) {
		struct bitmask *cpus = numa_allocate_cpumask();

		if (numa_node_size64(node, NULL) > 0)
			found.with_memory[found.memory_count++] = node;
		if (numa_node_to_cpus(node, cpus) == 0 && numa_bitmask_weight(cpus) > 0)
			found.with_cpus[found.cpus_count++] = node;
		numa_free_cpumask(cpus);
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
	return numa_run_on_node(node) == 0;
}

int this_node(void)
{
	return numa_node_of_cpu(sched_getcpu());
}

int memory_node_of(int node)
{
	const struct machine *nodes = machine();
	int i, best = nodes->with_memory[0];

	for (i = 0; i < nodes->memory_count; i++) {
		if (nodes->with_memory[i] == node)
			return node;
		if (numa_distance(node, nodes->with_memory[i]) < numa_distance(node, best))
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
		if (numa_move_pages(0, 1, &page, NULL, &status, 0) != 0)
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
		CHECK(numa_move_pages(0, count, pages, NULL, status, 0) == 0);
		for (i = 0; i < count; i++) {
			placed->pages += status[i] >= 0;
			placed->right += status[i] == node;
		}
	}
}

size_t node_free_kib(int node)
{
	long long left = 0;

	return numa_node_size64(node, &left) < 0 ? 0 : (size_t)(left / 1024);
}

/* SPDX-License-Identifier: MIT */
/*
 * node.c - see node.h. Since Linux 6.3 the kernel keeps a thread's node in its rseq area,
 * which the C library registers; before, or where it did not, a call of the vDSO tells it.
 */
#include <config.h>

#include "os/node.h"

#include <errno.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/auxv.h>

#include "os/thread.h"
#include "support/system_call.h"

#ifndef AT_RSEQ_FEATURE_SIZE
#define AT_RSEQ_FEATURE_SIZE	27	/* Linux 6.3 */
#endif

/* The words of struct rseq; node_id came with Linux 6.3. */
enum { RSEQ_CPU = 1, RSEQ_NODE = 5, RSEQ_BYTES_WITH_NODE = 24, RSEQ_NO_CPU = -1 };

/* glibc 2.35. size is 0 where nothing was registered. */
extern const ptrdiff_t __rseq_offset __attribute__((weak));
extern const unsigned int __rseq_size __attribute__((weak));

static ptrdiff_t area_offset;	/* from the thread pointer; 0: no node is told there */

void node_init(void)
{
	if (&__rseq_offset && &__rseq_size && __rseq_size &&
	    getauxval(AT_RSEQ_FEATURE_SIZE) >= RSEQ_BYTES_WITH_NODE)
		area_offset = __rseq_offset;
}

static volatile int32_t *area_of_thread(void)
{
	return (volatile int32_t *)(thread_identity() + (uintptr_t)area_offset);
}

void node_cover_tls(struct task_tls *tls)
{
	if (area_offset)
		task_tls_cover(tls, (const void *)area_of_thread(), RSEQ_BYTES_WITH_NODE);
}

void node_has_no_area(void)
{
	if (area_offset)
		area_of_thread()[RSEQ_CPU] = RSEQ_NO_CPU;
}

unsigned node_current(void)
{
	unsigned cpu, node = 0;

	if (likely(area_offset != 0)) {
		const volatile int32_t *area = area_of_thread();

		/* A thread that the C library did not start has none. */
		if (likely(area[RSEQ_CPU] >= 0))
			return (unsigned)area[RSEQ_NODE];
	}
	system_call(SYS_getcpu, &cpu, &node, NULL);
	return node;
}

unsigned node_processor_hint(void)
{
	int32_t processor = -1;

	if (&__rseq_offset && &__rseq_size && __rseq_size)
		processor = ((volatile int32_t *)(thread_identity() +
						  (uintptr_t)__rseq_offset))[RSEQ_CPU];
	return processor > 0 ? (unsigned)processor : 0;
}

static void add_home(unsigned long *mask, unsigned home)
{
	unsigned node = topology.node_of_home[home];

	mask[node / (8 * sizeof(*mask))] |= 1ul << node % (8 * sizeof(*mask));
}

static _Atomic bool is_refused;		/* relaxed: a hint */

bool node_binds(void)
{
	return topology.binds && !atomic_load_explicit(&is_refused, memory_order_relaxed);
}

static int bind(void *start, size_t bytes, int policy, const unsigned long *mask)
{
	long error;

	if (!topology.binds)
		return -EPERM;
	error = system_call(SYS_mbind, start, bytes, policy, mask,
			    (unsigned long)TOPOLOGY_NODES_MAX, 0u);
	if (error)
		atomic_store_explicit(&is_refused, true, memory_order_relaxed);
	return (int)error;
}

bool node_run_on(unsigned home)
{
	uint64_t processors[TOPOLOGY_NODES_MAX / 64];	/* of the shape of a cpu_set_t */

	return topology_read_processors(topology.node_of_home[home], processors) &&
	       system_call(SYS_sched_setaffinity, 0, sizeof(processors), processors) == 0;
}

int node_place(void *start, size_t bytes, unsigned home)
{
	unsigned long mask[TOPOLOGY_NODES_MAX / (8 * sizeof(long))] = { 0 };
	unsigned i;

	if (home != NODE_EVERYWHERE) {
		add_home(mask, home);
		return bind(start, bytes, MPOL_PREFERRED, mask);
	}
	for (i = 0; i < topology.homes; i++)
		add_home(mask, i);
	return bind(start, bytes, MPOL_INTERLEAVE, mask);
}

static int node_home_of(int node)
{
	unsigned home;

	if (node < 0 || node >= TOPOLOGY_NODES_MAX)
		return -1;
	home = topology.home_of_node[node];
	return topology.node_of_home[home] == node ? (int)home : -1;
}

static int call_move_pages(void *const *pages, unsigned count, const int *nodes, int *status)
{
	long unmoved;

	if (!topology.binds)
		return -EPERM;
	unmoved = system_call(SYS_move_pages, 0, (unsigned long)count, pages, nodes, status,
			      nodes ? MPOL_MF_MOVE : 0);
	/* Positive: so many could not be moved; their status says so. */
	return unmoved < 0 ? (int)unmoved : 0;
}

int node_query(void *const *pages, unsigned count, int *homes)
{
	int error = call_move_pages(pages, count, NULL, homes);
	unsigned i;

	for (i = 0; i < count; i++)
		homes[i] = error ? -1 : node_home_of(homes[i]);
	return error;
}

int node_move(void *const *pages, unsigned count, unsigned home, unsigned *moved)
{
	int nodes[NODE_PAGES_MOST], status[NODE_PAGES_MOST], error;
	unsigned i;

	*moved = 0;
	for (i = 0; i < count; i++)
		nodes[i] = topology.node_of_home[home];
	error = call_move_pages(pages, count, nodes, status);
	for (i = 0; !error && i < count; i++)
		*moved += status[i] == nodes[i];
	return error;
}

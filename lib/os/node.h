/* SPDX-License-Identifier: MIT */
/*
 * node.h - where the calling thread runs, and where pages are or should come from. Homes are
 * those of topology.h. The calls return 0 or -errno and leave errno alone.
 */
#ifndef HAKMEM_OS_NODE_H
#define HAKMEM_OS_NODE_H

#include <stdbool.h>
#include <stddef.h>

#include "os/task.h"
#include "os/topology.h"

/* Once a process, where there are several homes: how the kernel tells a thread its node. */
void node_init(void);

/* The node that the calling thread is on at the moment. */
unsigned node_current(void);

/* The processor that the caller was on a moment ago, where that costs no call; else 0. */
unsigned node_processor_hint(void);

/* For a task that has a thread pointer of its own: what node_current reads beside it … */
void node_cover_tls(struct task_tls *tls);

/* … and, by the task itself, that the kernel writes nothing there. */
void node_has_no_area(void);

/* The home of the calling thread. */
static inline unsigned node_home(void)
{
	unsigned node = node_current();

	return node < TOPOLOGY_NODES_MAX ? topology.home_of_node[node] : 0;
}

/* Not one home's: pages come from all of them in turn. */
#define NODE_EVERYWHERE		UINT16_MAX

/*
 * Pages of the range come from the home while it has any, else from the nearest that has. Where
 * this is refused the first touch decides.
 */
int node_place(void *start, size_t bytes, unsigned home);

/* False: nothing can be bound to a node here, so that the first touch decides. */
bool node_binds(void);

/*
 * Where the page will come from that the calling thread touches first in a range of the home,
 * now: it may have moved since it was asked for its own, and may move while the page is zeroed.
 */
static inline unsigned node_home_of_touch(unsigned home)
{
	return topology_has_homes() && !node_binds() ? node_home() : home;
}

/*
 * False: a huge page of a range that asks for one may come from any node, since the kernel goes
 * there before it compacts (alloc_pages_mpol), and nothing tells it which we mean. Small ones,
 * and huge ones that nobody asked for, come from the thread's.
 */
static inline bool node_keeps_huge(void)
{
	return !topology_has_homes() || node_binds();
}

/*
 * From now on the calling thread runs where the home's pages are near, so that what it touches
 * first is there. False: it may not.
 */
bool node_run_on(unsigned home);

/*
 * Where pages are: homes[i] is the home of pages[i], or -1 where none is there or its node is
 * nobody's home. count: 512 at most. The kernel looks; nothing is moved.
 */
int node_query(void *const *pages, unsigned count, int *homes);

/* Moves the pages that are elsewhere to the home; *moved: how many are there afterwards. */
int node_move(void *const *pages, unsigned count, unsigned home, unsigned *moved);

#define NODE_PAGES_MOST	512	/* of a call */

#endif

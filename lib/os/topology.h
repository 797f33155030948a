/* SPDX-License-Identifier: MIT */
/*
 * topology.h - the nodes that this process may have memory on. Read once, by the library's
 * constructor, from files that the kernel writes; until then, and on a machine with one such
 * node, there is one home and nobody asks where anything is.
 *
 * libnuma would tell the same, but linking its archive brings its constructor into every
 * process, which allocates and reads files by stdio.
 */
#ifndef HAKMEM_OS_TOPOLOGY_H
#define HAKMEM_OS_TOPOLOGY_H

#include <stdbool.h>
#include <stdint.h>

#include "support/compiler.h"

#define TOPOLOGY_HOMES_MAX	64	/* what a larger machine has more shares the nearest */
#define TOPOLOGY_NODES_MAX	1024	/* the kernel's own limit */

/*
 * A home is a node with memory that the process may use, counted from 0 without gaps. Every
 * node, whatever it lacks, has one: itself or the nearest. Written before there is a second
 * thread, then only read.
 */
struct topology {
	unsigned homes;				/* 1 or more */
	bool binds;				/* mbind() may be called */
	uint16_t node_of_home[TOPOLOGY_HOMES_MAX];
	uint8_t home_of_node[TOPOLOGY_NODES_MAX];
};

extern struct topology topology HIDDEN;

static inline bool topology_has_homes(void)
{
	return unlikely(topology.homes > 1);
}

/*
 * Fills in what the machine has. nodes: the kernel's folder of nodes; status: of a process.
 * False: one home, whatever the reason; its node is the only one that the process may use, if it
 * is known, else 0.
 */
bool topology_read(struct topology *read, const char *nodes, const char *status);

/* The processors of a node, one bit each. False: it has none, or the kernel does not say. */
bool topology_read_processors(unsigned node, uint64_t processors[TOPOLOGY_NODES_MAX / 64]);

/* Numbers the homes anew: this one is 0. */
void topology_begin_with(unsigned home);

/* Of this machine and process. A memory policy that the process was started with wins. */
void topology_init(void);

#endif

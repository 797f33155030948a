/* SPDX-License-Identifier: MIT */
/*
 * Do threads of every node find pages that the helper has brought, and are these of their node?
 */
#include <stdio.h>
#include <string.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/numa/placement.h"
#include "tests/populate/watch.h"

#define STEP_BYTES	(4 * MIB)
#define STEPS_MOST	40		/* a guest is slow: most may come too late */
#define AHEAD_LEAST	(8 * MIB)
#define PAUSE_US	5000		/* after each MiB */

static struct placed placed_of(const struct growth *growth, int node)
{
	struct placed placed = { 0, 0 };
	char *block = growth->last;

	for (size_t i = 0; i < growth->blocks; i++) {
		count_pages(block, growth->block_bytes, node, &placed);
		memcpy(&block, (void *)block, sizeof(block));
	}
	return placed;
}

static void grow_on(int node)
{
	struct growth growth = { NULL, 60 * KIB, 0 };
	size_t before = counter("populate.ahead_bytes");
	struct placed placed;

	CHECK(run_on(node));
	for (int i = 0; i < STEPS_MOST && counter("populate.ahead_bytes") - before < AHEAD_LEAST;
	     i++)
		/* an emulated machine is slow */
		growth_add(&growth, STEP_BYTES, i % 2 ? 0 : PAUSE_US);
	CHECK_THAT(counter("populate.ahead_bytes") - before >= AHEAD_LEAST,
		   "node %d: %zu bytes were there ahead", node,
		   counter("populate.ahead_bytes") - before);
	placed = placed_of(&growth, memory_node_of(node));
	CHECK_THAT(placed.right * 100 >= placed.pages * 99, "node %d: %zu of %zu pages", node,
		   placed.right, placed.pages);
	growth_check(&growth);
	growth_free(&growth);
}

static void pages_come_ahead_on_every_node(void)
{
	need_two_nodes();
	start_helper();
	for (int i = 0; i < machine()->cpus_count; i++)
		grow_on(machine()->with_cpus[i]);
}

static const struct contract_case cases[] = {
	CASE_WITH(pages_come_ahead_on_every_node, "helpers:always"),
};

CONTRACT_MAIN(cases)

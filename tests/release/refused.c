/* SPDX-License-Identifier: MIT */
/*
 * Memory goes back as well where a container refuses io_uring, by the next way, and that is
 * counted.
 */
#include <stdlib.h>
#include <sys/resource.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"
#include "tests/populate/refusal.h"
#include "tests/populate/watch.h"

#define BURST_BYTES (160 * MIB)

enum { PATIENCE_MS = 20000 };

static bool is_small(void)
{
	return resident_bytes() <= BURST_BYTES / 2;
}

static void free_a_burst(void)
{
	struct growth growth = { NULL, 60000, 0 };

	start_helper();
	growth_add(&growth, BURST_BYTES, 0);
	growth_check(&growth);
	growth_free(&growth);
	CHECK_THAT(wait_for(is_small, PATIENCE_MS), "%zu MiB are resident still: %s",
		   resident_bytes() / MIB, mode());
}

static void part_without_a_ring(void)
{
	free_a_burst();
	CHECK(counter("release.ring_bytes") == 0);
	/* The filter lets process_madvise(2) through, which is found by reading it. */
	CHECK(counter("release.vector_bytes") + counter("release.plain_bytes") > 0);
}

static void a_refused_ring_is_made_up_for(void)
{
	run_refused(REFUSE_RING, false, "part_without_a_ring");
}

static void part_as_ever(void)
{
	free_a_burst();
}

static void nobody_without_locked_memory_gives_back(void)
{
	struct rlimit none = { 0, 0 };

	CHECK(!setrlimit(RLIMIT_MEMLOCK, &none));
	run_refused(REFUSE_NOTHING, true, "part_as_ever");
}

static const struct contract_case cases[] = {
	CASE(a_refused_ring_is_made_up_for),
	CASE(nobody_without_locked_memory_gives_back),
	CASE_PART(part_without_a_ring),
	CASE_PART(part_as_ever),
};

CONTRACT_MAIN(cases)

/* SPDX-License-Identifier: MIT */
/*
 * Arming splits mappings: a long life, free superslabs scattered about, or a program that
 * has used up what the kernel allows (vm.max_map_count) must not end in too many.
 */
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"
#include "tests/populate/refusal.h"
#include "tests/populate/watch.h"

enum { MAPPINGS_AT_MOST = 100, SLOTS = 40000, STEPS = 3000000, SUPERSLABS = 400 };

struct held {
	char *block;
	size_t size;
};

static struct held slots[SLOTS];

static void replace(struct held *held, uint64_t *random)
{
	size_t largest = random_next(random) % 1000 ? 16000 : MIB;

	if (held->block) {
		CHECK_THAT(held->block[0] == (char)held->size &&
				   held->block[held->size - 1] == (char)held->size,
			   "the block at %p was overwritten", (void *)held->block);
		free(held->block);
		*held = (struct held){ NULL, 0 };
		return;
	}
	held->size = random_size(random, largest) + 1;
	held->block = malloc(held->size);
	CHECK(held->block);
	held->block[0] = held->block[held->size - 1] = (char)held->size;
}

/* More slots in use, then fewer, in waves, so that the heap grows and shrinks. */
static void a_long_random_run_ends_with_few_mappings(void)
{
	uint64_t random = 20261123;
	size_t most = 0, now;

	printf("# seed %llu\n", (unsigned long long)random);
	for (size_t step = 0; step < STEPS; step++) {
		size_t wave = SLOTS / 8 + SLOTS / 8 * (step / 100000 % 8);

		replace(&slots[random_next(&random) % wave], &random);
		if (step % 150000)
			continue;
		malloc_trim(0);
		sleep_ms(step % 300000 ? 5 : 100);
		now = mapping_count();
		most = now > most ? now : most;
	}
	CHECK_THAT(most < MAPPINGS_AT_MOST, "at times there were %zu mappings", most);
}

/* Every second superslab is free and trimmed, hundreds of times over. */
static void scattered_free_superslabs_leave_few_mappings(void)
{
	static char *blocks[SUPERSLABS * 4];
	size_t count = SUPERSLABS * 4, now;

	start_helper();
	/* above a fourth of a superslab and not dividing one: about three in each */
	for (size_t i = 0; i < count; i++) {
		blocks[i] = malloc(400 * KIB);
		CHECK(blocks[i]);
		blocks[i][0] = 'x';
		if (i % 32 == 0)
			sleep_ms(2);
	}
	for (size_t i = 0; i < count; i++) {
		if ((uintptr_t)blocks[i] / SUPERSLAB_BYTES % 2) {
			free(blocks[i]);
			blocks[i] = NULL;
		}
	}
	for (int i = 0; i < 6; i++) {
		malloc_trim(0);
		sleep_ms(700);
	}
	now = mapping_count();
	CHECK_THAT(now < MAPPINGS_AT_MOST, "there are %zu mappings", now);
}

static void part_scatters(void)
{
	scattered_free_superslabs_leave_few_mappings();
}

static void scattered_ones_leave_few_mappings_on_every_rung(void)
{
	run_refused(REFUSE_MOVE, false, "part_scatters");
	run_refused(REFUSE_USERFAULTFD_EPERM, false, "part_scatters");
}

static size_t most_mappings(void)
{
	FILE *file = fopen("/proc/sys/vm/max_map_count", "re");
	size_t most = 0;

	if (!file || fscanf(file, "%zu", &most) != 1)
		contract_skip("vm.max_map_count cannot be read");
	fclose(file);
	if (most > 300000)
		contract_skip("vm.max_map_count is %zu", most);
	return most;
}

/* Every second page of a range has another protection, until the kernel refuses. */
static void use_up_mappings(size_t spare)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), count = most_mappings() + 1000;
	char *range = mmap(NULL, count * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t i;

	CHECK(range != MAP_FAILED);
	for (i = 1; i < count; i += 2)
		if (mprotect(range + i * page, page, PROT_READ))
			break;
	CHECK_THAT(i < count && errno == ENOMEM, "no end of mappings");
	/* gives some back, for the frontier */
	CHECK(!munmap(range, spare * page));
}

/*
 * First the helper has superslabs that are armed; then it cannot arm or disarm any more in
 * the middle of a mapping. It must not wait for itself, and nothing may be lost.
 */
static void a_program_without_mappings_left_goes_on(void)
{
	struct growth growth = { NULL, 4000, 0 }, first = { NULL, 4000, 0 };
	size_t taken;

	need_helper_possible();
	growth_add(&first, 300 * MIB, 300);
	growth_free(&first);
	malloc_trim(0);
	sleep_ms(1500);
	use_up_mappings(16);
	growth_add(&growth, 200 * MIB, 300);
	growth_check(&growth);
	growth_add(&growth, 400 * MIB, 300);
	growth_check(&growth);
	growth_free(&growth);
	malloc_trim(0);
	/* the helper is alive: it sleeps and wakes */
	taken = counter("helper.wakeups");
	sleep_ms(1500);
	CHECK_THAT(counter("helper.wakeups") > taken, "the helper does not come back: %s",
		   mode());
}

static const struct contract_case cases[] = {
	CASE_WITH(a_long_random_run_ends_with_few_mappings, "helpers:always"),
	CASE_WITH(scattered_free_superslabs_leave_few_mappings, "helpers:always"),
	CASE_WITH(scattered_ones_leave_few_mappings_on_every_rung, "helpers:never"),
	CASE_WITH(a_program_without_mappings_left_goes_on, "helpers:always"),
	CASE_PART(part_scatters),
};

CONTRACT_MAIN(cases)

/* SPDX-License-Identifier: MIT */
/*
 * Blocks whose memory the program has marked for the kernel, and freed so: does whoever gets the
 * memory next get memory?
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"

enum { ROUNDS = 20 };

static const size_t page = 4096;

/* Frees a block, and fills those that come after it. */
static void free_and_use(char *block, size_t bytes)
{
	char *later[ROUNDS];

	free(block);
	for (size_t i = 0; i < ROUNDS; i++) {
		later[i] = i % 2 ? malloc(bytes) : calloc(1, bytes);
		CHECK(later[i]);
		if (i % 2 == 0)
			CHECK(all_zero(later[i], bytes));
		pattern_write(later[i], bytes, i);
	}
	for (size_t i = 0; i < ROUNDS; i++) {
		CHECK(pattern_holds(later[i], bytes, i));
		free(later[i]);
	}
}

/* As the buffers of network cards: not copied on write. */
static void a_child_frees_and_uses_what_it_was_not_given(void)
{
	for (size_t bytes = 4 * page; bytes <= 16 * MIB; bytes *= 2) {
		char *block, *beside = malloc(bytes);
		pid_t pid;

		CHECK(beside && !posix_memalign((void **)&block, page, bytes));
		pattern_write(block, bytes, 1);
		pattern_write(beside, bytes, 2);
		CHECK(!madvise(block, bytes, MADV_DONTFORK));
		pid = fork();
		if (pid == 0) {
			free_and_use(block, bytes);
			CHECK(pattern_holds(beside, bytes, 2));
			free_and_use(beside, bytes);
			_exit(0);
		}
		expect_success(pid);
		CHECK(pattern_holds(block, bytes, 1));
		CHECK(!madvise(block, bytes, MADV_DOFORK));
		free(block);
		free(beside);
	}
}

static const struct contract_case cases[] = {
	CASE(a_child_frees_and_uses_what_it_was_not_given),
};

CONTRACT_MAIN(cases)

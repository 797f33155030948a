/* SPDX-License-Identifier: MIT */
/*
 * calloc gives zeroes on memory that came by the stock, and on memory that was used,
 * given back and populated again: of every size class and on every rung.
 */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"
#include "tests/populate/refusal.h"
#include "tests/populate/watch.h"

enum { LARGEST = 1 << 20, ROUNDS = 6, LIST_ROOM = 1 << 19 };

#define GROWTH (250 * MIB)

static char *list[LIST_ROOM];

/* As many of each class as fill its share; then dirt in every byte. */
static size_t take_zeroes(const size_t *sizes, size_t classes, size_t *count)
{
	size_t share = GROWTH / classes, since_pause = 0, done = 0;

	for (size_t i = 0; i < classes; i++) {
		for (size_t bytes = 0; bytes < share && *count < LIST_ROOM;
		     bytes += sizes[i]) {
			char *block = hidden(calloc(1, sizes[i]));

			CHECK(block);
			CHECK_THAT(all_zero(block, sizes[i]),
				   "calloc(1, %zu) at %p is not zero", sizes[i],
				   (void *)block);
			memset(block, 0xd1, sizes[i]);
			list[(*count)++] = block;
			done += sizes[i];
			since_pause += sizes[i];
			if (since_pause > MIB) {
				usleep(300);
				since_pause = 0;
			}
		}
	}
	return done;
}

static void use_calloc(void)
{
	size_t sizes[SIZE_CLASSES_ROOM], classes = size_classes_find(sizes, LARGEST);
	struct rounds rounds = { .most = ROUNDS };

	while (next_round(&rounds)) {
		size_t count = 0;

		/* a few small classes would fill the list alone */
		CHECK(take_zeroes(sizes + 4, classes - 4, &count) > GROWTH / 2);
		take_zeroes(sizes, 4, &count);
		while (count)
			free(list[--count]);
		if (rounds.count % 2 == 0)
			malloc_trim(0);
		if (rounds.count % 3 == 1)
			sleep_ms(700);
	}
	if (!helper_task())
		need_helper_allowed();
	CHECK_THAT(counter("populate.ahead_bytes") > 4 * MIB,
		   "only %zu bytes came by the stock: %s", counter("populate.ahead_bytes"),
		   mode());
}

static void calloc_is_zero_on_populated_memory(void)
{
	use_calloc();
}

static void part_uses_calloc(void)
{
	use_calloc();
}

static void calloc_is_zero_on_every_rung(void)
{
	run_refused(REFUSE_MOVE, false, "part_uses_calloc");
	run_refused(REFUSE_USERFAULTFD_ENOSYS, false, "part_uses_calloc");
	run_refused(REFUSE_RING, false, "part_uses_calloc");
}

static const struct contract_case cases[] = {
	CASE_WITH(calloc_is_zero_on_populated_memory, "helpers:always"),
	CASE_WITH(calloc_is_zero_on_every_rung, "helpers:never"),
	CASE_PART(part_uses_calloc),
};

CONTRACT_MAIN(cases)

/* SPDX-License-Identifier: MIT */
/*
 * A preloaded program under LD_AUDIT: the auditor has a libc of its own and is loaded
 * first, thread storage is laid out otherwise, and calls are bound one by one.
 */
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"

static void *use_heap(void *seed)
{
	char *blocks[200];
	uint64_t random = (uint64_t)seed;

	for (size_t round = 0; round < 20; round++) {
		for (size_t i = 0; i < 200; i++) {
			size_t size = random_size(&random, 100000);

			blocks[i] = realloc(calloc(1, size), size + 50);
			CHECK(blocks[i] && all_zero(blocks[i], size));
			pattern_write(blocks[i], 50, i);
		}
		for (size_t i = 0; i < 200; i++) {
			CHECK(pattern_holds(blocks[i], 50, i));
			free(blocks[i]);
		}
	}
	return NULL;
}

static void part_audited(void)
{
	pthread_t thread;

	use_heap((void *)1);
	CHECK(!pthread_create(&thread, NULL, use_heap, (void *)2));
	CHECK(!pthread_join(thread, NULL));
	printf("whole\n");
}

static void a_preloaded_program_runs_under_ld_audit(void)
{
	static struct child child;
	char audit[4096], report[64], text[8] = "";
	const char *folder = getenv("top_builddir");
	int fd = dup(scratch_file("report"));	/* which an exec leaves open */
	const char *const changes[] = { audit, report, NULL };

	need_threads();
	snprintf(audit, sizeof(audit),
		 "LD_AUDIT=%s/tests/contract/.libs/audit_library.so",
		 folder ? folder : ".");
	snprintf(report, sizeof(report), "CONTRACT_AUDIT_FD=%d", fd);
	child_run_case(&child, "part_audited", NULL, changes);
	CHECK_THAT(child_succeeded(&child), "wait status %x: %s",
		   (unsigned int)child.status, child.errors);
	CHECK(!strcmp(child.output, "whole\n"));
	CHECK_THAT(pread(fd, text, 7, 0) == 7 && !strcmp(text, "audited"),
		   "%s was not loaded", audit);
}

static const struct contract_case cases[] = {
	CASE(a_preloaded_program_runs_under_ld_audit),
	CASE_PART(part_audited),
};

CONTRACT_MAIN(cases)

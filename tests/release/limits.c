/* SPDX-License-Identifier: MIT */
/*
 * A cgroup of 256 MiB and limit_hard:200M: a program that frees what it does not need lives,
 * whatever its blocks are, and what does not fit is NULL before the kernel kills. Needs root
 * and a memory controller, version 1 or 2; where there is none the resident size is the judge.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"
#include "tests/populate/watch.h"

#define GROUP_BYTES (256 * MIB)
#define HARD_BYTES  (200 * MIB)

enum { ROUNDS = 6 };

static bool write_to(const char *folder, const char *name, const char *text)
{
	char path[256];
	int file;
	bool done;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = open(path, O_WRONLY | O_CLOEXEC);
	if (file < 0)
		return false;
	done = write(file, text, strlen(text)) == (ssize_t)strlen(text);
	close(file);
	return done;
}

/* Into a group of this process's own below a mount point; false: not this version. */
static bool enter(const char *mount, const char *limit)
{
	char folder[128], number[32];

	snprintf(folder, sizeof(folder), "%s/hakmem-test-%d", mount, (int)getpid());
	if (mkdir(folder, 0755))
		return false;
	snprintf(number, sizeof(number), "%zu", (size_t)GROUP_BYTES);
	if (write_to(folder, limit, number)) {
		snprintf(number, sizeof(number), "%d", (int)getpid());
		if (write_to(folder, "cgroup.procs", number))
			return true;
	}
	rmdir(folder);
	return false;
}

static void enter_group(void)
{
	if (!enter("/sys/fs/cgroup", "memory.max") &&
	    !enter("/sys/fs/cgroup/memory", "memory.limit_in_bytes"))
		printf("no cgroup with a memory limit can be made here\n");
}

static void leave_group(void)
{
	char folder[128];
	const char *mounts[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/memory" };

	for (int i = 0; i < 2; i++) {
		char number[32];

		snprintf(number, sizeof(number), "%d", (int)getpid());
		snprintf(folder, sizeof(folder), "%s/hakmem-test-%d", mounts[i], (int)getpid());
		if (!access(folder, F_OK)) {
			write_to(mounts[i], "cgroup.procs", number);
			rmdir(folder);
		}
	}
}

/* Fills blocks of a size until there is NULL, or so much. */
static size_t hold(struct growth *growth, size_t size, size_t bytes)
{
	size_t held = 0;

	*growth = (struct growth){ NULL, size, 0 };
	while (held < bytes) {
		char *block = malloc(size);

		if (!block) {
			CHECK(errno == ENOMEM);
			break;
		}
		memset(block, 1, size);
		*(void **)block = growth->last;
		growth->last = block;
		growth->blocks++;
		held += size;
		CHECK_THAT(resident_bytes() < GROUP_BYTES || held % (4 * MIB),
			   "%zu MiB are resident", resident_bytes() / MIB);
	}
	return held;
}

static void drop(struct growth *growth)
{
	while (growth->last) {
		void *block = growth->last;

		growth->last = *(void **)block;
		free(block);
	}
}

/* By turns small, middle and large: what one kind leaves behind must make room for the next. */
static void what_is_freed_makes_room_for_other_sizes(void)
{
	static const size_t sizes[] = { 300, 40000, 3 * MIB, 5000, 700000, 20 * MIB };

	need_madvise();
	enter_group();
	for (int round = 0; round < ROUNDS; round++) {
		struct growth growth;
		size_t held = hold(&growth, sizes[round % ROUNDS], 150 * MIB);

		CHECK_THAT(held >= 150 * MIB - 20 * MIB, "only %zu MiB of blocks of %zu B",
			   held / MIB, sizes[round % ROUNDS]);
		drop(&growth);
	}
	leave_group();
}

static void what_does_not_fit_is_null(void)
{
	static const size_t sizes[] = { 300, 40000, 3 * MIB };

	need_madvise();
	enter_group();
	for (int round = 0; round < 3; round++) {
		struct growth growth;
		size_t held = hold(&growth, sizes[round], GIB);

		CHECK_THAT(held < HARD_BYTES, "%zu MiB of blocks", held / MIB);
		CHECK_THAT(held > HARD_BYTES / 2, "only %zu MiB of blocks", held / MIB);
		drop(&growth);
	}
	leave_group();
}

static size_t goal_bytes;

static bool is_small(void)
{
	return resident_bytes() <= goal_bytes;
}

/* The decay is a day; above the soft limit nobody waits for it. */
static void above_the_soft_limit_idle_memory_goes_at_once(void)
{
	struct growth growth;

	start_helper();
	hold(&growth, 60000, 160 * MIB);
	drop(&growth);
	goal_bytes = 110 * MIB;
	CHECK_THAT(wait_for(is_small, 20000), "%zu MiB are resident still: %s",
		   resident_bytes() / MIB, mode());
}

static void below_the_soft_limit_it_stays(void)
{
	struct growth growth;
	size_t before;

	start_helper();
	hold(&growth, 60000, 160 * MIB);
	before = resident_bytes();
	drop(&growth);
	sleep_ms(1500);
	CHECK_THAT(resident_bytes() > before / 2, "only %zu MiB are resident",
		   resident_bytes() / MIB);
}

static const struct contract_case cases[] = {
	CASE_WITH(what_is_freed_makes_room_for_other_sizes, "limit_hard:200M,helpers:always"),
	CASE_WITH(what_does_not_fit_is_null, "limit_hard:200M,helpers:never"),
	CASE_WITH(above_the_soft_limit_idle_memory_goes_at_once,
		  "helpers:always,decay_ms:86400000,limit_soft:100M"),
	CASE_WITH(below_the_soft_limit_it_stays,
		  "helpers:always,decay_ms:86400000,limit_soft:1000M"),
};

CONTRACT_MAIN(cases)

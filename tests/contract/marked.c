/* SPDX-License-Identifier: MIT */
/*
 * Blocks whose memory the program has marked for the kernel, and freed so: does whoever gets the
 * memory next get memory?
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
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

static void large_memory_freed_read_only_is_writable_for_the_next(void)
{
	for (size_t bytes = 2 * MIB; bytes <= 64 * MIB; bytes *= 2) {
		char *block;

		CHECK(!posix_memalign((void **)&block, page, bytes));
		pattern_write(block, bytes, 1);
		CHECK(!mprotect(block, bytes / 2, bytes % 3 ? PROT_READ : PROT_NONE));
		free_and_use(block, bytes);
		malloc_trim(0);
	}
}

static void *free_it(void *block)
{
	free(block);
	return NULL;
}

/* Small blocks wait in bins, and go home from other threads; the helper and a trim come by. */
static void small_memory_freed_read_only_is_writable_for_the_next(void)
{
	for (size_t bytes = page; bytes <= MIB; bytes *= 2)
		for (int i = 0; i < 12; i++) {
			char *block, *beside = malloc(bytes);
			pthread_t other;

			CHECK(beside && !posix_memalign((void **)&block, page, bytes));
			pattern_write(beside, bytes, 2);
			pattern_write(block, bytes, 1);
			CHECK(!mprotect(block, i % 4 ? page : bytes,
					i % 3 ? PROT_READ : PROT_NONE));
			if (i % 2) {
				start_thread(&other, NULL, free_it, block);
				CHECK(!pthread_join(other, NULL));
			} else {
				free(block);
			}
			if (i % 5 == 4)
				malloc_trim(0);
			for (size_t again = 0; again < 4; again++) {
				CHECK(!posix_memalign((void **)&block, page, bytes));
				pattern_write(block, bytes, 3);
				free_and_use(block, bytes);
			}
			CHECK(pattern_holds(beside, bytes, 2));
			free(realloc(beside, 2 * bytes));
		}
}

static void small_memory_is_asked_its_size_while_it_is_read_only(void)
{
	char *block;

	CHECK(!posix_memalign((void **)&block, page, 2 * page));
	pattern_write(block, 2 * page, 1);
	CHECK(!mprotect(block, page, PROT_READ));
	CHECK(malloc_usable_size(block) >= 2 * page);
	block = realloc(block, 64 * page);
	CHECK(block && pattern_holds(block, 2 * page, 1));
	free_and_use(block, 64 * page);
}

static int own_userfaultfd(void)
{
	struct uffdio_api api = { UFFD_API, 0, 0 };
	int descriptor = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (descriptor < 0 || ioctl(descriptor, UFFDIO_API, &api))
		contract_skip("no userfaultfd here: %s", strerror(errno));
	return descriptor;
}

/* As a monitor of memory in a network library, which has gone: nobody answers the faults. */
static void memory_freed_while_it_is_watched_is_anybodys(void)
{
	int descriptor = own_userfaultfd();

	for (size_t bytes = 64 * KIB; bytes <= 16 * MIB; bytes *= 2) {
		struct uffdio_register watched = { .mode = UFFDIO_REGISTER_MODE_MISSING };
		char *block;

		CHECK(!posix_memalign((void **)&block, page, bytes));
		watched.range.start = (uintptr_t)block;
		watched.range.len = bytes;
		/* The end is there: as what the program has used. */
		pattern_write(block + bytes - page, page, 1);
		CHECK(!ioctl(descriptor, UFFDIO_REGISTER, &watched));
		free(block);
		malloc_trim(0);
		free_and_use(malloc(bytes), bytes);
		malloc_trim(0);
	}
	close(descriptor);
}

/* A key that no child shall have; who gets the memory next has children, too. */
static void memory_freed_while_children_get_none_is_for_children(void)
{
	static const int advices[] = { MADV_DONTFORK, MADV_WIPEONFORK, MADV_DONTDUMP, 102 };

	for (size_t bytes = page; bytes <= 4 * MIB; bytes *= 4)
		for (size_t i = 0; i < 4; i++) {
			char *block;
			pid_t pid;

			CHECK(!posix_memalign((void **)&block, page, bytes));
			pattern_write(block, bytes, 1);
			if (madvise(block, bytes, advices[i]))
				CHECK(errno == EINVAL);
			free(block);
			CHECK(!posix_memalign((void **)&block, page, bytes));
			pattern_write(block, bytes, 2);
			pid = fork();
			if (pid == 0)
				_exit(!pattern_holds(block, bytes, 2));
			expect_success(pid);
			free_and_use(block, bytes);
		}
}

/* A refused call, and one elsewhere, are as they would be. */
static void mprotect_answers_as_it_does(void)
{
	char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			   0);

	CHECK(pages != MAP_FAILED);
	CHECK(mprotect(pages, page, PROT_READ) == 0);
	errno = 0;
	CHECK(mprotect(pages + 1, page, PROT_READ) == -1 && errno == EINVAL);
	CHECK(!munmap(pages, 2 * page));
	CHECK(mprotect(pages, page, PROT_READ) == -1 && errno == ENOMEM);
}

static const struct contract_case cases[] = {
	CASE(large_memory_freed_read_only_is_writable_for_the_next),
	CASE(small_memory_freed_read_only_is_writable_for_the_next),
	CASE(small_memory_is_asked_its_size_while_it_is_read_only),
	CASE(memory_freed_while_it_is_watched_is_anybodys),
	CASE_WITH(memory_freed_while_it_is_watched_is_anybodys, "hardened:true"),
	CASE(memory_freed_while_children_get_none_is_for_children),
	CASE_WITH(memory_freed_while_children_get_none_is_for_children, "hardened:true"),
	CASE(mprotect_answers_as_it_does),
	CASE(a_child_frees_and_uses_what_it_was_not_given),
};

CONTRACT_MAIN(cases)

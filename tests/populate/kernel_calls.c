/* SPDX-License-Identifier: MIT */
/*
 * The kernel reads and writes fresh blocks that nobody has touched, while the helper
 * populates: on every rung of the ladder, with and without privileges, no call may fail
 * with EFAULT or come back short.
 */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"
#include "tests/populate/refusal.h"
#include "tests/populate/watch.h"

enum { LARGEST = 3 << 20, SOCKET_BYTES = 32 << 10, SOURCE_TAG = 7 };

#define GROWTH (320 * MIB)

static int source, sink, sockets[2];
static struct io_uring ring;
static bool has_ring;
static volatile sig_atomic_t signals;

static void expect_full(const char *call, ssize_t result, size_t size, const void *block)
{
	CHECK_THAT(result == (ssize_t)size, "%s of %zu bytes at %p: %zd (%s)", call, size,
		   block, result, result < 0 ? strerror(errno) : "short");
}

static void expect_source(const char *call, const char *block, size_t size)
{
	CHECK_THAT(pattern_holds(block, size, SOURCE_TAG),
		   "%s of %zu bytes: wrong contents", call, size);
}

static void use_read(char *block, size_t size)
{
	CHECK(lseek(source, 0, SEEK_SET) == 0);
	expect_full("read", read(source, block, size), size, block);
	expect_source("read", block, size);
}

static void use_pread(char *block, size_t size)
{
	expect_full("pread", pread(source, block, size, 0), size, block);
	expect_source("pread", block, size);
}

static void use_readv(char *block, size_t size)
{
	struct iovec parts[] = { { block, size / 2 },
				 { block + size / 2, size - size / 2 } };

	CHECK(lseek(source, 0, SEEK_SET) == 0);
	expect_full("readv", readv(source, parts, 2), size, block);
	expect_source("readv", block, size);
}

static void use_write(char *block, size_t size)
{
	expect_full("pwrite", pwrite(sink, block, size, 0), size, block);
}

static void use_send(char *block, size_t size)
{
	static char received[SOCKET_BYTES];

	if (size > SOCKET_BYTES)
		size = SOCKET_BYTES;
	expect_full("send", send(sockets[0], block, size, 0), size, block);
	expect_full("recv", recv(sockets[1], received, size, MSG_WAITALL), size,
		    received);
}

static void use_recv(char *block, size_t size)
{
	static const char sent[SOCKET_BYTES] = { 1, 2, 3 };

	if (size > SOCKET_BYTES)
		size = SOCKET_BYTES;
	expect_full("send", send(sockets[0], sent, size, 0), size, sent);
	expect_full("recv", recv(sockets[1], block, size, MSG_WAITALL), size, block);
	CHECK(!memcmp(block, sent, size));
}

/* A value that no block holds: the kernel reads the word and says EAGAIN at once. */
static void use_futex(char *block, size_t size)
{
	uint32_t *word = (uint32_t *)(block + (size - sizeof(*word)) / 16 * 16);
	struct timespec soon = { 0, 1000 };
	long result = syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, 0xdeadfeed, &soon,
			      NULL, 0);

	CHECK_THAT(result == -1 && errno == EAGAIN, "futex at %p: %ld (%s)", (void *)word,
		   result, strerror(errno));
}

static void use_ring(char *block, size_t size)
{
	struct io_uring_cqe *done;
	struct io_uring_sqe *entry;

	if (!has_ring) {
		use_pread(block, size);
		return;
	}
	entry = io_uring_get_sqe(&ring);
	CHECK(entry);
	io_uring_prep_read(entry, source, block, (unsigned int)size, 0);
	CHECK(io_uring_submit_and_wait(&ring, 1) == 1 && !io_uring_peek_cqe(&ring, &done));
	errno = done->res < 0 ? -done->res : 0;
	expect_full("io_uring read", done->res, size, block);
	io_uring_cqe_seen(&ring, done);
	expect_source("io_uring read", block, size);
}

static void count_signal(int signal)
{
	(void)signal;
	signals++;
}

static void use_sigaltstack(char *block, size_t size)
{
	stack_t stack = { .ss_sp = block, .ss_size = size };
	stack_t none = { .ss_flags = SS_DISABLE };
	sig_atomic_t before = signals;

	if (size < (size_t)SIGSTKSZ) {
		use_write(block, size);
		return;
	}
	CHECK(!sigaltstack(&stack, NULL));
	raise(SIGUSR1);
	CHECK(signals == before + 1);
	CHECK(!sigaltstack(&none, NULL));
}

static void (*const uses[])(char *block, size_t size) = {
	use_read, use_pread, use_readv, use_write, use_send,
	use_recv, use_futex, use_ring,	use_sigaltstack,
};

static void open_ends(void)
{
	struct sigaction action = { .sa_handler = count_signal, .sa_flags = SA_ONSTACK };
	char *pattern = mmap(NULL, LARGEST, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(pattern != MAP_FAILED);
	pattern_write(pattern, LARGEST, SOURCE_TAG);
	source = scratch_file("source");
	sink = scratch_file("sink");
	CHECK(write(source, pattern, LARGEST) == LARGEST);
	CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets));
	CHECK(!sigaction(SIGUSR1, &action, NULL));
	has_ring = io_uring_queue_init(4, &ring, 0) == 0;
}

/* Whole patterns only hold to their own last word; so sizes are multiples of a word. */
static void use_every_class(void)
{
	size_t sizes[SIZE_CLASSES_ROOM], count, done = 0, turn = 0, since_pause = 0;

	count = size_classes_find(sizes, LARGEST);
	open_ends();
	while (done < GROWTH) {
		for (size_t i = 0; i < count; i++, turn++) {
			size_t size = sizes[i] & ~(size_t)7;
			char *block = malloc(size);

			CHECK_THAT(block, "no block of %zu bytes", size);
			uses[turn % (sizeof(uses) / sizeof(*uses))](block, size);
			done += size;
			since_pause += size;
			if (since_pause > MIB) {
				usleep(300);
				since_pause = 0;
			}
		}
	}
}

/* On a busy machine the first rounds are too slow to have anything brought ahead. */
static void use_until_populated(void)
{
	for (int i = 0; i < 20 && populated_ahead() <= 4 * MIB; i++)
		use_every_class();
}

static void part_with_moved_pages(void)
{
	need_helper_possible();
	use_until_populated();
	if (strcmp(mode(), "uffd+move"))
		contract_skip("this kernel: %s", mode());
	CHECK_THAT(counter("populate.moved_bytes") > 4 * MIB, "only %zu bytes were moved",
		   counter("populate.moved_bytes"));
}

static void part_with_copied_pages(void)
{
	need_helper_possible();
	use_until_populated();
	if (!strncmp(mode(), "touch", 5))
		contract_skip("this kernel: %s", mode());
	CHECK_THAT(!strncmp(mode(), "uffd+copy: ", 11), "%s", mode());
	CHECK(counter("populate.moved_bytes") == 0);
	CHECK(counter("populate.copied_bytes") > 4 * MIB);
}

static void part_with_touched_pages(void)
{
	need_helper_possible();
	use_until_populated();
	CHECK_THAT(!strncmp(mode(), "touch: ", 7), "%s", mode());
	CHECK(counter("populate.moved_bytes") + counter("populate.copied_bytes") == 0);
	CHECK(counter("populate.touched_bytes") > 4 * MIB);
}

static void part_without_ring(void)
{
	need_helper_possible();
	use_until_populated();
	CHECK(!has_ring);
	CHECK(populated_ahead() > 4 * MIB);
}

static void part_without_helper(void)
{
	use_every_class();
	CHECK_THAT(strstr(mode(), "could not be started"), "%s", mode());
	CHECK(helper_task() == 0);
	CHECK(populated_ahead() == 0);
}

static const char *const part_of_rung[REFUSALS] = {
	[REFUSE_NOTHING] = "part_with_moved_pages",
	[REFUSE_MOVE] = "part_with_copied_pages",
	[REFUSE_USERFAULTFD_EPERM] = "part_with_touched_pages",
	[REFUSE_USERFAULTFD_ENOSYS] = "part_with_touched_pages",
	[REFUSE_RING] = "part_without_ring",
	[REFUSE_THREADS] = "part_without_helper",
};

static void on_rung(enum refusal refusal)
{
	run_refused(refusal, false, part_of_rung[refusal]);
}

static void calls_work_on_moved_pages(void)
{
	on_rung(REFUSE_NOTHING);
}

static void calls_work_without_move(void)
{
	on_rung(REFUSE_MOVE);
}

static void calls_work_where_userfaultfd_is_eperm(void)
{
	on_rung(REFUSE_USERFAULTFD_EPERM);
}

static void calls_work_where_userfaultfd_is_enosys(void)
{
	on_rung(REFUSE_USERFAULTFD_ENOSYS);
}

static void calls_work_where_io_uring_is_refused(void)
{
	on_rung(REFUSE_RING);
}

static void calls_work_where_threads_are_refused(void)
{
	on_rung(REFUSE_THREADS);
}

static void calls_work_for_nobody_on_every_rung(void)
{
	for (int refusal = REFUSE_NOTHING; refusal < REFUSALS; refusal++)
		run_refused((enum refusal)refusal, true, part_of_rung[refusal]);
}

static const struct contract_case cases[] = {
	CASE_WITH(calls_work_on_moved_pages, "helpers:never"),
	CASE_WITH(calls_work_without_move, "helpers:never"),
	CASE_WITH(calls_work_where_userfaultfd_is_eperm, "helpers:never"),
	CASE_WITH(calls_work_where_userfaultfd_is_enosys, "helpers:never"),
	CASE_WITH(calls_work_where_io_uring_is_refused, "helpers:never"),
	CASE_WITH(calls_work_where_threads_are_refused, "helpers:never"),
	CASE_WITH(calls_work_for_nobody_on_every_rung, "helpers:never"),
	CASE_PART(part_with_moved_pages),
	CASE_PART(part_with_copied_pages),
	CASE_PART(part_with_touched_pages),
	CASE_PART(part_without_ring),
	CASE_PART(part_without_helper),
};

CONTRACT_MAIN(cases)

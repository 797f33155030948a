/* SPDX-License-Identifier: MIT */
/*
 * What is included as <liburing.h> where there is no liburing, or one that is too old: configure
 * puts this folder before the system's. No ring can be opened, as on a kernel without io_uring, and
 * so the next way is taken; the rest is here to be compiled, and never called.
 */
#ifndef HAKMEM_RINGLESS_LIBURING_H
#define HAKMEM_RINGLESS_LIBURING_H

#include <errno.h>
#include <linux/time_types.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>

/* The shapes are ours: nobody but the code in front of this ever sees one. */
struct io_uring {
	int enter_ring_fd;
};

struct io_uring_sqe {
	uint8_t opcode;
	int32_t fd;
	uint64_t addr, addr3, off, user_data;
};

struct io_uring_cqe {
	uint64_t user_data;
	int32_t res;
};

struct io_uring_probe_op {
	uint16_t flags;
};

struct io_uring_probe {
	uint8_t ops_len;
	struct io_uring_probe_op ops[];
};

enum {
	IORING_OP_MADVISE, IO_URING_OP_SUPPORTED, IORING_SETUP_CLAMP,
	IORING_SETUP_SINGLE_ISSUER, IORING_SETUP_DEFER_TASKRUN, IORING_SETUP_TASKRUN_FLAG,
	IORING_ASYNC_CANCEL_ANY, IORING_ASYNC_CANCEL_ALL,
};

#define NOTHING(result, name, ...)		\
	static inline result name(__VA_ARGS__)	\
	{					\
		return (result)-ENOPKG;		\
	}
#define NOTHING_DONE(name, ...)			\
	static inline void name(__VA_ARGS__)	\
	{					\
	}
#define UNUSED_HERE	__attribute__((unused))
#define RING		UNUSED_HERE struct io_uring *ring
#define ENTRY		UNUSED_HERE struct io_uring_sqe *sqe

NOTHING(int, io_uring_queue_init, UNUSED_HERE unsigned int entries, RING,
	UNUSED_HERE unsigned int flags)
NOTHING(int, io_uring_ring_dontfork, RING)
NOTHING(int, io_uring_register_probe, RING, UNUSED_HERE struct io_uring_probe *probe,
	UNUSED_HERE unsigned int ops)
NOTHING(int, io_uring_register_iowq_max_workers, RING, UNUSED_HERE unsigned int *workers)
NOTHING(int, io_uring_submit, RING)
NOTHING(int, io_uring_submit_and_wait, RING, UNUSED_HERE unsigned int count)
NOTHING(int, io_uring_submit_and_wait_timeout, RING, UNUSED_HERE struct io_uring_cqe **cqe,
	UNUSED_HERE unsigned int count, UNUSED_HERE struct __kernel_timespec *time,
	UNUSED_HERE sigset_t *mask)
NOTHING(int, io_uring_peek_cqe, RING, UNUSED_HERE struct io_uring_cqe **cqe)
NOTHING(int, io_uring_opcode_supported, UNUSED_HERE const struct io_uring_probe *probe,
	UNUSED_HERE int opcode)

static inline struct io_uring_sqe *io_uring_get_sqe(RING)
{
	return NULL;
}

static inline struct io_uring_probe *io_uring_get_probe_ring(RING)
{
	return NULL;
}

NOTHING_DONE(io_uring_queue_exit, RING)
NOTHING_DONE(io_uring_cqe_seen, RING, UNUSED_HERE struct io_uring_cqe *cqe)
NOTHING_DONE(io_uring_prep_nop, ENTRY)
NOTHING_DONE(io_uring_prep_madvise, ENTRY, UNUSED_HERE void *start, UNUSED_HERE uint32_t bytes,
	     UNUSED_HERE int advice)
NOTHING_DONE(io_uring_prep_poll_add, ENTRY, UNUSED_HERE int fd, UNUSED_HERE unsigned int mask)
NOTHING_DONE(io_uring_prep_read, ENTRY, UNUSED_HERE int fd, UNUSED_HERE void *place,
	     UNUSED_HERE unsigned int bytes, UNUSED_HERE uint64_t offset)
NOTHING_DONE(io_uring_prep_cancel64, ENTRY, UNUSED_HERE uint64_t tag, UNUSED_HERE int flags)

#undef NOTHING
#undef NOTHING_DONE
#undef UNUSED_HERE
#undef RING
#undef ENTRY

#endif

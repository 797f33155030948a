/* SPDX-License-Identifier: MIT */
/*
 * barrier.c - see barrier.h.
 */
#include <config.h>

#include "os/barrier.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

/* relaxed: whoever reads it early just has no barrier yet */
static _Atomic bool registered;

static bool ask_kernel(int command)
{
	int saved_errno = errno;
	bool done = syscall(SYS_membarrier, command, 0, 0) == 0;

	errno = saved_errno;
	return done;
}

void barrier_init(void)
{
	if (ask_kernel(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED))
		atomic_store_explicit(&registered, true, memory_order_relaxed);
}

bool barrier_in_all_threads(void)
{
	return atomic_load_explicit(&registered, memory_order_relaxed) &&
	       ask_kernel(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
}

/* SPDX-License-Identifier: MIT */
/*
 * barrier.c - see barrier.h.
 */
#include <config.h>

#include "os/barrier.h"

#include <linux/membarrier.h>
#include <stdatomic.h>

#include "support/system_call.h"

/* relaxed: whoever reads it early just has no barrier yet */
static _Atomic bool registered;

static int barrier_ask_kernel(int command)
{
	return (int)system_call(SYS_membarrier, command, 0, 0);
}

int barrier_init(void)
{
	int error = barrier_ask_kernel(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);

	if (!error)
		atomic_store_explicit(&registered, true, memory_order_relaxed);
	return error;
}

bool barrier_in_all_threads(void)
{
	return atomic_load_explicit(&registered, memory_order_relaxed) &&
	       barrier_ask_kernel(MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * profile.c - see profile.h.
 */
#include <config.h>

#include "profile/profile.h"

#include "os/process.h"
#include "profile/call_stack.h"
#include "profile/sample_table.h"
#include "profile/stack_table.h"

struct profile_state profile_state;

bool profile_begin(size_t interval_bytes)
{
	if (!stack_table_begin() || !sample_table_begin())
		return false;
	call_stack_begin();
	atomic_store_explicit(&profile_state.is_exact, interval_bytes != PROFILE_INTERVAL,
			      memory_order_relaxed);
	atomic_store_explicit(&profile_state.begun_ns, process_now_ns(), memory_order_relaxed);
	atomic_store_explicit(&profile_state.ended_ns, 0, memory_order_relaxed);
	/* release: pairs with the acquire in profile_generation */
	atomic_fetch_add_explicit(&profile_state.generation, 1, memory_order_release);
	atomic_store_explicit(&profile_state.interval_bytes, interval_bytes ? interval_bytes : 1,
			      memory_order_relaxed);
	return true;
}

void profile_end(void)
{
	if (profile_is_on())
		atomic_store_explicit(&profile_state.ended_ns, process_now_ns(),
				      memory_order_relaxed);
	atomic_store_explicit(&profile_state.interval_bytes, 0, memory_order_relaxed);
}

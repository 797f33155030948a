/* SPDX-License-Identifier: MIT */
/*
 * charge.c - see charge.h.
 */
#include <config.h>

#include "back/charge.h"

#include <stdatomic.h>

#include "support/options.h"
#include "support/size_class.h"

static _Atomic size_t taken_bytes, populated_units;

bool charge_take(size_t bytes)
{
	size_t taken = charge_taken_bytes();

	/* Not added and taken back: what is refused must not be in the way of what is not. */
	do {
		if (taken > options.limit_hard_bytes || bytes > options.limit_hard_bytes - taken)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(
		&taken_bytes, &taken, taken + bytes, memory_order_relaxed, memory_order_relaxed));
	return true;
}

bool charge_allows(size_t bytes)
{
	size_t taken = atomic_load_explicit(&taken_bytes, memory_order_relaxed);

	return taken <= options.limit_hard_bytes && bytes <= options.limit_hard_bytes - taken;
}

void charge_put(size_t bytes)
{
	atomic_fetch_sub_explicit(&taken_bytes, bytes, memory_order_relaxed);
}

void charge_note_populated(int units)
{
	atomic_fetch_add_explicit(&populated_units, (size_t)units, memory_order_relaxed);
}

void charge_set_populated(size_t units)
{
	atomic_store_explicit(&populated_units, units, memory_order_relaxed);
}

size_t charge_populated_bytes(void)
{
	return atomic_load_explicit(&populated_units, memory_order_relaxed) << UNIT_SHIFT;
}

size_t charge_taken_bytes(void)
{
	return atomic_load_explicit(&taken_bytes, memory_order_relaxed);
}

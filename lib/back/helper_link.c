/* SPDX-License-Identifier: MIT */
/*
 * helper_link.c - see helper_link.h.
 */
#include <config.h>

#include "back/helper_link.h"

struct helper_link helper_link;

static bool may_start(void)
{
	return atomic_load_explicit(&helper_link.may_start, memory_order_relaxed);
}

void helper_link_ask(void)
{
	/* Before the constructor there is nothing to start: the next superslab asks again. */
	if (may_start())
		atomic_store_explicit(&helper_link.wanted, true, memory_order_relaxed);
}

void helper_link_want(void)
{
	if (!helper_life_is_running())
		helper_link_ask();
}

void helper_link_wake(void)
{
	if (helper_life_is_running())
		helper_life_wake();
}

bool helper_link_is_running(void)
{
	return helper_life_is_running();
}

bool helper_link_is_there(void)
{
	return may_start() && !atomic_load_explicit(&helper_link.refused, memory_order_relaxed);
}

void helper_link_refuse(void)
{
	atomic_store_explicit(&helper_link.refused, true, memory_order_relaxed);
}

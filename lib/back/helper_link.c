/* SPDX-License-Identifier: MIT */
/*
 * helper_link.c - see helper_link.h.
 */
#include <config.h>

#include "back/helper_link.h"

struct helper_link helper_link;

void helper_link_set(void (*start)(void), void (*wake)(void), bool (*is_running)(void))
{
	helper_link.start = start;
	helper_link.wake = wake;
	helper_link.is_running = is_running;
}

void helper_link_want(void)
{
	/* Before the constructor there is nothing to start: the next superslab asks again. */
	if (helper_link.start && !helper_link.is_running())
		atomic_store_explicit(&helper_link.wanted, true, memory_order_relaxed);
}

void helper_link_wake(void)
{
	if (helper_link.wake && helper_link.is_running())
		helper_link.wake();
}

bool helper_link_is_running(void)
{
	return helper_link.is_running && helper_link.is_running();
}

bool helper_link_is_there(void)
{
	return helper_link.start &&
	       !atomic_load_explicit(&helper_link.refused, memory_order_relaxed);
}

void helper_link_refuse(void)
{
	atomic_store_explicit(&helper_link.refused, true, memory_order_relaxed);
}

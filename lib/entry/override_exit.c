/* SPDX-License-Identifier: MIT */
/*
 * override_exit.c - the names by which a program ends without its exit handlers, put in front of
 * the C library's: the helper goes first then, too. Left behind, it would be adopted by an init, or
 * by a supervisor, that has not made it and may never wait for it. Safe in signal handlers.
 */
#include <config.h>

#include <stdlib.h>
#include <unistd.h>

#include "helper/helper_life.h"
#include "support/compiler.h"
#include "support/system_call.h"

EXPORT NORETURN void _exit(int status)
{
	helper_life_end_at_once();
	for (;;)
		system_call_always(SYS_exit_group, status);
}

EXPORT NORETURN void _Exit(int status)
{
	_exit(status);
}

/* The C library's quick_exit calls an _exit of its own: the first handler is run last. */
__attribute__((constructor)) static void watch_quick_exit(void)
{
	at_quick_exit(helper_life_end_at_once);
}

/* SPDX-License-Identifier: MIT */
/*
 * override_exit.c - the names by which a program ends without its exit handlers, or goes on as a
 * child only, put in front of the C library's: the helper goes first then, too. Left behind, it
 * would be adopted by an init, or by a supervisor, that has not made it and may never wait for it.
 * Safe in signal handlers.
 */
#include <config.h>

#include <dlfcn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "helper/helper_life.h"
#include "support/compiler.h"
#include "support/system_call.h"

/* Of others who stand behind us, the C library mostly; written by the constructor. */
static void (*next_abort)(void);
static int (*next_daemon)(int keeps_directory, int keeps_files);

__attribute__((constructor)) static void find_next(void)
{
	next_abort = (__typeof__(next_abort))dlsym(RTLD_NEXT, "abort");
	next_daemon = (__typeof__(next_daemon))dlsym(RTLD_NEXT, "daemon");
}

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

/* A handler may leave it by longjmp. */
EXPORT NORETURN void abort(void)
{
	helper_life_let_come(helper_life_hold_back());
	if (!next_abort)
		find_next();
	for (;;)
		next_abort();
}

/* The C library's calls a fork and an _exit of its own. */
EXPORT int daemon(int keeps_directory, int keeps_files)
{
	bool is_held = helper_life_hold_back();
	int result;

	if (!next_daemon)
		find_next();
	result = next_daemon(keeps_directory, keeps_files);
	/* In the child it is another's: nobody holds it there. */
	if (result < 0)
		helper_life_let_come(is_held);
	return result;
}

/* The C library's quick_exit calls an _exit of its own: the first handler is run last. */
__attribute__((constructor)) static void watch_quick_exit(void)
{
	at_quick_exit(helper_life_end_at_once);
}

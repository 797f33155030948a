/* SPDX-License-Identifier: MIT */
/*
 * override_wait.c - the names by which a program waits for children, put in front of the C
 * library's: who waits for every kind of child, as tracers do, would wait for the helper, too, and
 * for ever once it is the last. Such a program has none from then on.
 */
#include <config.h>

#include <dlfcn.h>
#include <sys/wait.h>

#include "helper/helper_life.h"
#include "support/compiler.h"
#include "support/system_call.h"

/* Of others who stand behind us, the C library mostly; written by the constructor. */
static pid_t (*next_waitpid)(pid_t process, int *status, int options);
static pid_t (*next_wait4)(pid_t process, int *status, int options, struct rusage *usage);
static int (*next_waitid)(idtype_t what, id_t id, siginfo_t *info, int options);

EXPORT pid_t waitpid(pid_t process, int *status, int options)
{
	helper_life_make_way_for_wait(options);
	if (next_waitpid)
		return next_waitpid(process, status, options);
	return (pid_t)system_call_as_libc(
		system_call_always(SYS_wait4, process, status, options, NULL));
}

EXPORT pid_t wait4(pid_t process, int *status, int options, struct rusage *usage)
{
	helper_life_make_way_for_wait(options);
	if (next_wait4)
		return next_wait4(process, status, options, usage);
	return (pid_t)system_call_as_libc(
		system_call_always(SYS_wait4, process, status, options, usage));
}

EXPORT int waitid(idtype_t what, id_t id, siginfo_t *info, int options)
{
	helper_life_make_way_for_wait(options);
	if (next_waitid)
		return next_waitid(what, id, info, options);
	return (int)system_call_as_libc(
		system_call_always(SYS_waitid, what, id, info, options, NULL));
}

/* Not when they are called: that may be in a signal handler. */
__attribute__((constructor)) static void override_wait_find_next(void)
{
	next_waitpid = (__typeof__(next_waitpid))dlsym(RTLD_NEXT, "waitpid");
	next_wait4 = (__typeof__(next_wait4))dlsym(RTLD_NEXT, "wait4");
	next_waitid = (__typeof__(next_waitid))dlsym(RTLD_NEXT, "waitid");
}

/* SPDX-License-Identifier: MIT */
/*
 * override_fork.c - what pthread_atfork calls in every library, so that our fork handlers are
 * registered before anybody's. Not in the archive: a static program has one list of handlers, and
 * the C library's own function.
 */
#include <config.h>

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>

#include "entry/lifecycle.h"
#include "support/compiler.h"

/* See lifecycle_watch_forks. */
int __register_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void),
		      void *library);

EXPORT int __register_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void),
			     void *library)
{
	__typeof__(&__register_atfork) next =
		(__typeof__(&__register_atfork))dlsym(RTLD_NEXT, "__register_atfork");

	lifecycle_watch_forks();
	return next ? next(prepare, parent, child, library) : ENOMEM;
}

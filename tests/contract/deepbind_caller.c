/* SPDX-License-Identifier: MIT */
/* A library for deepbind.c: it is linked with a search path, $ORIGIN, that nobody else has. */
#include <dlfcn.h>

#include "tests/contract/deepbind_plugin.h"

void *deepbind_caller_open(const char *file, int mode)
{
	void *library = dlopen(file, mode);

	/* So that it is a call, not a jump. */
	return library ? library : dlopen(file, mode);
}

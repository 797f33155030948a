/* SPDX-License-Identifier: MIT */
/*
 * A library that dlclose.c loads and unloads: it allocates in its constructor, on
 * request, and in its destructor, which the dlclose runs.
 */
#include <stdlib.h>

#include "tests/contract/plugin.h"

static void *of_constructor;

__attribute__((constructor))
static void take(void)
{
	of_constructor = calloc(1, 4000);
}

__attribute__((destructor))
static void put(void)
{
	free(malloc(5000));
	free(of_constructor);
}

void *plugin_allocate(size_t size)
{
	return malloc(size);
}

void plugin_release(void *block)
{
	free(block);
}

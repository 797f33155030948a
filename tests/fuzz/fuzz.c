/* SPDX-License-Identifier: MIT */
/*
 * fuzz.c - see fuzz.h: what both drivers need.
 */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>

unsigned long fuzz_operations;

void fuzz_fail(const char *file, int line, const char *condition)
{
	fprintf(stdout, "%s:%d: not so: %s\n", file, line, condition);
	fflush(stdout);
	abort();
}

/* SPDX-License-Identifier: MIT */
/*
 * unistd.h - for tests built with musl, which has no execveat: the library has it everywhere.
 */
#ifndef TESTS_MUSL_UNISTD_H
#define TESTS_MUSL_UNISTD_H

#include_next <unistd.h>

int execveat(int directory, const char *path, char *const words[], char *const environment[],
	     int flags);

/* The C library loads the library before the program begins, and finds it there. */
#pragma weak execveat

#endif

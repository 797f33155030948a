/* SPDX-License-Identifier: MIT */
/*
 * What the dynamic loader would put into a process. It is asked itself (--list, as ldd
 * does), with the environment that the program will get: nobody else knows its rules, and
 * no code of the program runs.
 */
#ifndef HAKCTL_RUN_LOADER_H
#define HAKCTL_RUN_LOADER_H

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct loader {
	FILE *output;
	pid_t pid;
	char path[PATH_MAX]; /* the object that loader_next found */
};

/* Ask INTERPRETER about PROGRAM; false with errno set if it cannot be started. */
bool loader_open(struct loader *loader, const char *interpreter, const char *program);
/* The next object's path, in the order in which the loader searches names; NULL: no more. */
const char *loader_next(struct loader *loader);
/* Whether the loader itself was content. */
bool loader_close(struct loader *loader);

#endif

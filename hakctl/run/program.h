/* SPDX-License-Identifier: MIT */
/*
 * The program that `hakctl run` is asked to start: where it is, and whether the loader
 * would honour LD_PRELOAD in it. Every "no" is said on standard error, with the reason.
 */
#ifndef HAKCTL_RUN_PROGRAM_H
#define HAKCTL_RUN_PROGRAM_H

#include <limits.h>
#include <stdbool.h>

#include "hakctl/command.h"

/* Where execvp would find NAME. EXIT_DONE, or a message and the code to exit with. */
enum exit_code program_find(const char *name, char path[PATH_MAX]);

/*
 * Can LIBRARY be preloaded into the program at PATH? A script is judged by its
 * interpreter. LD_PRELOAD must be set already: the loader is asked with it.
 */
bool program_accepts(const char *path, const char *library, bool verbose);

#endif

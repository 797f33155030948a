/* SPDX-License-Identifier: MIT */
/* A seccomp profile for containers, under which the library has all its calls. */
#ifndef HAKCTL_SECCOMP_PROFILE_H
#define HAKCTL_SECCOMP_PROFILE_H

#include "hakctl/failure.h"

/*
 * base: a profile in Docker's format to which the calls are added; NULL: one that allows all
 * but what containers must not do. Prints JSON.
 */
bool seccomp_profile_print(const char *base, struct failure *failure);

#endif

/* SPDX-License-Identifier: MIT */
/* A seccomp profile for containers, under which the library has all its calls. */
#ifndef HAKCTL_DOCTOR_SECCOMP_PROFILE_H
#define HAKCTL_DOCTOR_SECCOMP_PROFILE_H

#include "hakctl/output/failure.h"

/*
 * base: a profile in Docker's format to which the calls are added that it lacks; NULL: what
 * container runtimes allow by default. Prints JSON, for Docker, Podman and Kubernetes, and says on
 * standard error what is loosened.
 */
bool seccomp_profile_print(const char *base, struct failure *failure);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What container runtimes let a program call that has their usual capabilities: names of system
 * calls, separated by spaces, copied from github.com/moby/profiles, seccomp/default.json, commit
 * 3c28324314729dbade8287e868eef6338c42807a of 2026-05-06. containerd, CRI-O and Podman differ
 * little.
 */
#ifndef HAKCTL_DOCTOR_RUNTIME_CALLS_H
#define HAKCTL_DOCTOR_RUNTIME_CALLS_H

#define RUNTIME_CALLS_SOURCE "github.com/moby/profiles, seccomp/default.json of 2026-05-06"

/* Whatever their arguments; a few others are allowed with some, see seccomp_profile.c. */
extern const char runtime_calls_allowed[];

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What the kernel and this container let a process do that hakmem can use. Each question is
 * asked in a child, since a seccomp filter may kill the one who asks.
 */
#ifndef HAKCTL_DOCTOR_PROBE_H
#define HAKCTL_DOCTOR_PROBE_H

#include <stddef.h>

#include <hakmem/control.h>

enum { PROBE_MOST_RUNGS = 32 };

/* Fills rungs as a library would report them; returns how many. */
size_t probe_machine(struct control_rung rungs[PROBE_MOST_RUNGS]);

#endif

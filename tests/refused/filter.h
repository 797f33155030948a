/* SPDX-License-Identifier: MIT */
/*
 * filter.h - a seccomp filter that takes away from a process what a kernel, a container or a
 * sandbox may refuse: one word a facility. Used by the launcher bench/refuse, and by tests
 * that refuse something to themselves. Uses no heap and no stdio.
 */
#ifndef TESTS_REFUSED_FILTER_H
#define TESTS_REFUSED_FILTER_H

#include <linux/filter.h>
#include <stdbool.h>

enum { FILTER_INSTRUCTIONS = 400 };

struct filter {
	struct sock_filter code[FILTER_INSTRUCTIONS];
	unsigned short length;
};

/*
 * what: a facility, or FACILITY=EPERM, =ENOSYS, =EAGAIN, … for another error than its usual
 * one, or FACILITY=kill. False: there is no such facility or error.
 */
bool filter_add(struct filter *filter, const char *what);

/* For the calling thread and what it starts from now on; false: errno says why not. */
bool filter_install(struct filter *filter);

/* The facilities, separated by spaces. */
const char *filter_facilities(void);

#endif

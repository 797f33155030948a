/* SPDX-License-Identifier: MIT */
/*
 * sandbox_first.h - by which call the first task of sandbox.c may be started: a filter may kill for
 * clone3(2), for clone(2), or for both, before anything has been tried. What the program has done
 * itself tells; where it has done nothing, a child by vfork(2) does.
 *
 * Who may run with whom: by who asks, once.
 */
#ifndef HAKMEM_SANDBOX_SANDBOX_FIRST_H
#define HAKMEM_SANDBOX_SANDBOX_FIRST_H

#include <stdbool.h>
#include <sys/syscall.h>
#include <sys/types.h>

/* Machines that are younger than clone(2) have none. */
#ifdef SYS_vfork
#define SANDBOX_FIRST_VFORK	SYS_vfork
#else
#define SANDBOX_FIRST_VFORK	(-1l)
#endif

struct sandbox_places;

enum sandbox_first {
	SANDBOX_FIRST_CLONE3,	/* harmless, as far as can be told */
	SANDBOX_FIRST_CLONE,	/* this one, and clone3 is not to be called */
	SANDBOX_FIRST_NONE,	/* both are fatal */
};

/*
 * places: used by nobody yet. children: of the program's, that have ended and are to be reaped, or
 * 0.
 */
enum sandbox_first sandbox_first_find(struct sandbox_places *places, pid_t children[2]);

/* The process has, or had, more than one; false also where the C library does not tell. */
bool sandbox_first_has_threads(void);

#endif

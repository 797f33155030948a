/* SPDX-License-Identifier: MIT */
/*
 * helper_life.h - how the helper begins and ends, seen from the program; what it does in between
 * is helper.c.
 *
 * Who may run with whom: helper_life_forget alone; helper_life_begin, _note_ready and
 * _note_filter(false) the helper; the rest anyone with anyone.
 */
#ifndef HAKMEM_HELPER_HELPER_LIFE_H
#define HAKMEM_HELPER_HELPER_LIFE_H

#include <stdbool.h>

#include <kmod-free-helpers/event_loop.h>

#include "support/compiler.h"

extern struct event_doorbell helper_life_doorbell HIDDEN;

/* By the library's constructor, with the environment. */
void helper_life_init(char **environment);

/* By a thread of the program that wants it: run(NULL) begins as a task, if that is allowed. */
void helper_life_start(void (*run)(void *argument));

/*
 * By the helper, first of all. Returns -errno if a raw clone's child could not tell that it has
 * none.
 */
int helper_life_begin(void);

/* Of the program's descriptors: nothing else makes a table of its own. */
bool helper_life_has_copies(void);
void helper_life_note_ready(void);

/* It leaves at the next round. */
void helper_life_tell_to_go(void);
bool helper_life_should_go(void);

/*
 * A seccomp filter is in force of which nothing is known (sandbox/sandbox.h): no call is made that
 * is not needed. Nor between the next two, by any thread that sets one.
 */
void helper_life_note_filter(bool is_there);
void helper_life_begin_filter(void);
void helper_life_end_filter(void);
bool helper_life_is_filtered(void);

/* For a call that wants memory which nobody shares: ends it. True: it has gone; try again. */
bool helper_life_step_aside(void);

/*
 * By who is about to wait for children with these options (wait(2)): if for every kind of child it
 * would be for the helper, too, and for ever. There is none from then on.
 */
void helper_life_make_way_for_wait(int wait_options);

/* The process ends: so does the helper, unless a filter might kill for it. */
void helper_life_end(void);

/* The same in the middle of anything, in a signal handler, too; not for a vfork's child. */
void helper_life_end_at_once(void);

/*
 * The same, where the program may go on after all: around a call that makes another program of this
 * one, or leaves a child in its stead, no other thread starts a helper. is_held: what the first one
 * said; the second is called where the call has failed.
 */
bool helper_life_hold_back(void);
void helper_life_let_come(bool is_held);

/* In a fork's child. */
void helper_life_forget(void);

#endif

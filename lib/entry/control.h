/* SPDX-License-Identifier: MIT */
/*
 * control.h - the control socket, at which hakctl watches and steers this process. The helper
 * serves it between its other rounds: it waits for no client, keeps nothing for one but
 * what it still has to send, and a client that is rude is forgotten.
 *
 * Who may run with whom: control_init, control_forget and control_end while the caller is the
 * only one of its process to do so; the rest is the helper's.
 */
#ifndef HAKMEM_ENTRY_CONTROL_H
#define HAKMEM_ENTRY_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include <kmod-free-helpers/event_loop.h>

/* By the constructor, after the options are read. environment: NAME=VALUE, NULL at the end. */
void control_init(char **environment);

/* control:always: a helper should be started for it. */
bool control_wants_helper(void);

/* By a helper that has just begun: opens the socket, if it may, and has the loop watch it. */
void control_begin(struct event_loop *loop);

/* Serves whoever asks. Returns how long to sleep at most, in ns; UINT64_MAX: for ever. */
uint64_t control_tick(uint64_t now_ns);

/* In a fork's child: socket and clients are the parent's. */
void control_forget(void);

/* The process ends. */
void control_end(void);

#endif

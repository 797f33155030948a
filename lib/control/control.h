/* SPDX-License-Identifier: MIT */
/*
 * control.h - the control socket, at which hakctl watches and steers this process. A thread of
 * its own serves it: it waits for no client, keeps nothing for one but what it still has to
 * send, and a client that is rude is forgotten.
 *
 * Who may run with whom: control_init, control_forget and control_end while the caller is the
 * only one of its process to do so; control_map with the helper not yet started.
 */
#ifndef HAKMEM_CONTROL_CONTROL_H
#define HAKMEM_CONTROL_CONTROL_H

#include <stdbool.h>

#include "os/task.h"

/* By the constructor, after the options are read. environment: NAME=VALUE, NULL at the end. */
void control_init(char **environment);

/* control:always: a helper should be started for it. */
bool control_wants_helper(void);

/* Room for the thread, by who starts the helper. 0 or -errno. */
int control_map(const struct task_tls *tls);

/* Its thread is not behind a filter that the program sets later (support/system_call.h). */
void control_exempt(void);

/*
 * By the helper: starts the thread, which opens the socket. is_filtered: a seccomp filter is in
 * force; may_open: its descriptors are its own.
 */
void control_start(bool is_filtered, bool may_open);

/* The thread lives. */
bool control_is_running(void);

/* In a fork's child: socket and clients are the parent's. */
void control_forget(void);

/* The process ends. */
void control_end(void);

#endif

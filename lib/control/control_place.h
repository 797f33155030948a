/* SPDX-License-Identifier: MIT */
/*
 * control_place.h - where the control socket is put, and why there is none. Written by the
 * constructor and the helper; read when the process ends.
 */
#ifndef HAKMEM_CONTROL_CONTROL_PLACE_H
#define HAKMEM_CONTROL_CONTROL_PLACE_H

/* Notes the variables that say where; the program may change its environment later. */
void control_place_init(char **environment);

/*
 * Listens in the first folder that serves; returns the socket, or -errno of the last one that
 * did not.
 */
int control_place_listen(void);

/* The socket's path; empty: there is none. */
const char *control_place_path(void);

/* Removes the socket of this process, if there is one. One system call. */
void control_place_remove(void);

/* The socket is another process's. */
void control_place_forget(void);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * confine.h - the helper gives up what it does not need: whoever gets hold of it can do less
 * than the program. Two steps, for the sockets and files that it uses are opened between them.
 *
 * Who may run with whom: the helper's tasks; each step binds all threads of the calling task.
 */
#ifndef HAKMEM_SANDBOX_CONFINE_H
#define HAKMEM_SANDBOX_CONFINE_H

/*
 * No capabilities, no new ones (no_new_privs), and no call but those of either step, such as
 * exec, ptrace, or a signal to anybody but the program. Returns 0, or -errno of what is missing.
 */
int confine_begin(void);

/*
 * By each of its two threads, once it has opened what it uses: behind the second nothing is
 * opened, connected, or started either.
 */
int confine_finish(void);

#endif

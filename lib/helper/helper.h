/* SPDX-License-Identifier: MIT */
/*
 * helper.h - the background task: it populates memory ahead of its use, gives it back behind it,
 * and answers hakctl. Needed for nothing; makes things faster.
 *
 * Who may run with whom: helper_init and helper_after_fork_in_child alone; the rest anyone.
 */
#ifndef HAKMEM_HELPER_HELPER_H
#define HAKMEM_HELPER_HELPER_H

/* Once a process, by the library's constructor, after the options are read. */
void helper_init(void);

/* The helper was the parent's. */
void helper_after_fork_in_child(void);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * task_limit.h - how many tasks a user (RLIMIT_NPROC) and a cgroup (pids.max) may have. The
 * helper's are of the number; a program must find room for its own as if there were none.
 *
 * Who may run with whom: task_limit_is_ample any thread of the program; the rest the helper.
 */
#ifndef HAKMEM_OS_TASK_LIMIT_H
#define HAKMEM_OS_TASK_LIMIT_H

#include <stdbool.h>

/*
 * By a thread that would start the helper: RLIMIT_NPROC is no obstacle, as far as is seen at once.
 */
bool task_limit_is_ample(void);

/* Counts, before the helper confines itself. False: a quarter of what is allowed is in use. */
bool task_limit_open(void);

/* Later: half of it is, so the helper should go. */
bool task_limit_is_near(void);

#endif

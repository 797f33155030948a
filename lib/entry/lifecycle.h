/* SPDX-License-Identifier: MIT */
/*
 * lifecycle.h - what others have to tell lifecycle.c. Called by entry/override_fork.c.
 */
#ifndef HAKMEM_ENTRY_LIFECYCLE_H
#define HAKMEM_ENTRY_LIFECYCLE_H

/*
 * Somebody is about to register a fork handler: ours comes first. Any thread, any number of times.
 */
void lifecycle_watch_forks(void);

#endif

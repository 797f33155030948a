/* SPDX-License-Identifier: MIT */
/*
 * Who asks must not wait long for a processor either: on a machine whose processors are all busy
 * a tool that is one of many gets its turn late. While it talks to a process, hakctl comes
 * first, at the lowest real-time priority or, without the right to it, in short turns.
 */
#ifndef HAKCTL_CLIENT_PRIORITY_H
#define HAKCTL_CLIENT_PRIORITY_H

/* Nothing where the user has chosen a policy (chrt, nice). Nests. */
void priority_raise(void);
void priority_lower(void);

#endif

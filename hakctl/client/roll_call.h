/* SPDX-License-Identifier: MIT */
/*
 * Of several targets, which answer: all are asked at once, and have one deadline. Who has not
 * answered by then is not waited for again until the next call, and is read from outside.
 */
#ifndef HAKCTL_CLIENT_ROLL_CALL_H
#define HAKCTL_CLIENT_ROLL_CALL_H

#include "hakctl/client/target.h"

/* Sets is_mute of each that does not; nothing where there is but one. */
void roll_call(struct target_list *list);

/*
 * The same, and asks each for what rows say (LOOK_CLASSES | ...) and for the ledger: whoever
 * connects to it then finds the answers there.
 */
void roll_call_asking(struct target_list *list, unsigned rows);

/* The open connection to a target that has answered; false: there is none. It is the caller's. */
bool roll_call_take(const struct target *target, struct connection *connection);

/* Closes those that nobody took. */
void roll_call_end(void);

#endif

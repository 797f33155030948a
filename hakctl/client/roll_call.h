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

#endif

/* SPDX-License-Identifier: MIT */
/*
 * frame_rule.h - how to get from a frame to its caller's: where a function's tables (.eh_frame) say
 * the caller's registers are, by the place in the function.
 *
 * Who may run with whom: anyone with anyone, at any moment, in the middle of the loader too: a
 * module is found by _dl_find_object, which takes no lock and allocates nothing. What was found
 * is remembered by place.
 */
#ifndef HAKMEM_PROFILE_FRAME_RULE_H
#define HAKMEM_PROFILE_FRAME_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "profile/frame_program.h"

/* Makes what remembers rules, once; it is forgotten what modules said that may be gone. */
void frame_rule_begin(void);

/* place: an address inside the instruction, a call mostly. */
void frame_rule_find(uintptr_t place, struct frame_rule *rule);

/* The shared library that the place is in; false: it is the program's, or not known. */
bool frame_rule_library(uintptr_t place, uintptr_t *start, uintptr_t *end);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * control_profile.h - the heap profile, for hakctl: it begins and ends, and what it has seen.
 *
 * Who may run with whom: the control thread alone; it reads the profile's tables as they change.
 */
#ifndef HAKMEM_CONTROL_CONTROL_PROFILE_H
#define HAKMEM_CONTROL_CONTROL_PROFILE_H

#include <hakmem/control.h>
#include <hakmem/control_profile.h>

/* 0, or an enum control_error_code and why. */
uint16_t control_profile_change(const struct control_profile *request, const char **cause);
void control_profile_read(struct control_profile *profile);

uint32_t control_profile_count_stacks(void);
uint32_t control_profile_fill_stacks(void *rows, uint32_t first, uint32_t most);

/* One row a place; where nothing lives any more the row's block is 0. */
uint32_t control_profile_count_samples(void);
uint32_t control_profile_fill_samples(void *rows, uint32_t first, uint32_t most);

#endif

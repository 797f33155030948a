/* SPDX-License-Identifier: MIT */
/*
 * What hakctl says on standard error: one line each, "hakctl: " in front. An error says
 * what to do next, where there is something to do.
 */
#ifndef HAKCTL_OUTPUT_MESSAGE_H
#define HAKCTL_OUTPUT_MESSAGE_H

__attribute__((format(printf, 1, 2))) void message_error(const char *format, ...);

/* Says so and exits. */
_Noreturn void message_out_of_memory(void);

#endif

/* SPDX-License-Identifier: MIT */
/* Why something could not be done: the exit code and one line that says what to do next. */
#ifndef HAKCTL_OUTPUT_FAILURE_H
#define HAKCTL_OUTPUT_FAILURE_H

#include <stdbool.h>

#include "hakctl/command.h"

struct failure {
	enum exit_code code;
	bool is_timeout; /* the other side did not answer in time */
	char text[400];
};

/* Always false, so that `return failure_set(...)` reads as what it is. */
__attribute__((format(printf, 3, 4))) bool
failure_set(struct failure *failure, enum exit_code code, const char *format, ...);

#endif

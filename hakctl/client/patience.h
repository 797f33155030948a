/* SPDX-License-Identifier: MIT */
/*
 * How long one process may keep its asker waiting in all, whatever is asked of it. A verb has as
 * long as each question takes; who asks many processes, and is waited for, has less.
 */
#ifndef HAKCTL_PATIENCE_H
#define HAKCTL_PATIENCE_H

#include <stdint.h>

/* From now on, for the next process; 0: as long as each question takes. */
void patience_set(unsigned ms);

/* The earlier of the two, both of CLOCK_MONOTONIC: this deadline, and the end of the patience. */
uint64_t patience_cut_ns(uint64_t deadline_ns);

#endif

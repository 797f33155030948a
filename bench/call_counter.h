/* SPDX-License-Identifier: MIT */
/*
 * How many memory system calls threads make, counted by the kernel's own tracepoint: no
 * tracer stops them. For root, where tracefs is mounted.
 */
#ifndef BENCH_CALL_COUNTER_H
#define BENCH_CALL_COUNTER_H

#include <stdbool.h>
#include <stdint.h>

/* Of the calling thread from now on; with_threads: and of all that it starts. -1: cannot. */
int call_counter_open(bool with_threads);
/* Also when the thread has ended. */
uint64_t call_counter_read(int counter);

#endif

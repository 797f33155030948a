/* SPDX-License-Identifier: MIT */
/*
 * nth_call.h - the system calls of memory, counted, and made to fail. A program that is linked
 * with it (and exports its names) stands between the preloaded library and the C library; so
 * does nth_call.so, preloaded before the library.
 */
#ifndef TESTS_REFUSED_NTH_CALL_H
#define TESTS_REFUSED_NTH_CALL_H

#include <stdbool.h>

/*
 * From now on the nth call fails (1 is the next; 0: none), and with rest all after it.
 * The count begins at 0. NTH_CALL=n or n+ (with rest) in the environment arms it before the first
 * call. NTH_COUNT names a file of 16 bytes where the count is then, and that of crashes: all
 * processes that have the variable share it.
 */
void nth_call_arm(long nth, bool rest);

/* Memory is back: nothing fails any more; counting goes on. */
void nth_call_disarm(void);

long nth_call_count(void);
void nth_call_note_crash(void);
/* Whether any call has failed by us. */
bool nth_call_has_failed(void);

#endif

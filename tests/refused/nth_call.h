/* SPDX-License-Identifier: MIT */
/*
 * nth_call.h - the system calls of memory, counted, and made to fail, in libhakmem_counted.so:
 * the library as it is, with this between it and the kernel. A program that is linked with it
 * and preloads it has these functions.
 */
#ifndef TESTS_REFUSED_NTH_CALL_H
#define TESTS_REFUSED_NTH_CALL_H

#include <stdbool.h>

#define NTH_CALL_EXPORT	__attribute__((visibility("default")))

/*
 * From now on the nth call fails (1 is the next; 0: none), and with rest all after it.
 * The count begins at 0. NTH_CALL=n or n+ (with rest) in the environment arms it before the first
 * call. NTH_COUNT names a file of 16 bytes where the count is then, and that of crashes: all
 * processes that have the variable share it.
 */
NTH_CALL_EXPORT void nth_call_arm(long nth, bool rest);

/* Memory is back: nothing fails any more; counting goes on. */
NTH_CALL_EXPORT void nth_call_disarm(void);

NTH_CALL_EXPORT long nth_call_count(void);
NTH_CALL_EXPORT void nth_call_note_crash(void);
/* Whether any call has failed by us. */
NTH_CALL_EXPORT bool nth_call_has_failed(void);

#endif

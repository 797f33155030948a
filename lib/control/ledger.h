/* SPDX-License-Identifier: MIT */
/*
 * ledger.h - all that is counted, in one place: what hakctl stats shows, what the names of
 * hak_ctl read, what the snapshot holds. No lock; no wait.
 *
 * Who may run with whom: ledger_read anyone with anyone; ledger_note_lag the helper alone; the rest
 * is the control thread's.
 */
#ifndef HAKMEM_CONTROL_LEDGER_H
#define HAKMEM_CONTROL_LEDGER_H

#include <stdint.h>

#include <hakmem/control.h>

/* When the library was loaded, for up_ns. */
void ledger_init(void);

/* What is counted; what the kernel says is as old as it was last asked. No system call. */
void ledger_read(struct control_ledger *ledger);

/* Asks the kernel first: for the resident size, and soon for the pages of the heap. */
void ledger_read_with_kernel(struct control_ledger *ledger);

/* How many are connected to the socket. */
void ledger_note_clients(uint32_t count);

/* Noted by the helper after each sleep: how late it woke. */
void ledger_note_lag(uint64_t lag_ns);

#endif

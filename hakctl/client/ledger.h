/* SPDX-License-Identifier: MIT */
/*
 * The ledger as a sum: what is live, what is free and where, less what nobody has touched
 * yet, is what is populated. stats and top show it.
 */
#ifndef HAKCTL_CLIENT_LEDGER_H
#define HAKCTL_CLIENT_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hakmem/control.h>

enum { LEDGER_MOST_TERMS = 12 };

struct ledger_term {
	const char *name;  /* in JSON */
	const char *label; /* for people */
	int64_t bytes;	   /* as it is added up */
	bool is_sampled;
	bool is_shown; /* even where it is nothing */
	char note[64];
};

/* The terms add up to populated_bytes, exactly. Returns how many. */
size_t ledger_terms(const struct control_ledger *ledger,
		    struct ledger_term terms[LEDGER_MOST_TERMS]);

/*
 * How much older than the rest that is which the kernel said of the heap's pages, with the time
 * that it took to say it; UINT64_MAX: it said nothing. What is older than LEDGER_AGE_NS is marked.
 */
#define LEDGER_AGE_NS 10000000u
uint64_t ledger_populated_age_ns(const struct control_ledger *ledger);

/* Resident and not of the heap, both of one moment; UINT64_MAX: not known. */
uint64_t ledger_not_heap_bytes(const struct control_ledger *ledger);

/*
 * Adds one to a total that began as zeroes, for ledger_terms: what one process holds and another
 * does is so much together. The age of the total is that of the oldest. What cannot be added up
 * stays zero.
 */
void ledger_add(struct control_ledger *total, const struct control_ledger *ledger);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The ledger as a sum: what is live, what is free and where, less what nobody has touched
 * yet, is what is populated. stats and top show it.
 */
#ifndef HAKCTL_LEDGER_H
#define HAKCTL_LEDGER_H

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

#endif

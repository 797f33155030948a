/* SPDX-License-Identifier: MIT */
/*
 * One look at a target: its ledger and, where asked for, its rows of classes, threads and
 * nodes. A process that cannot answer is read from outside.
 */
#ifndef HAKCTL_CLIENT_LOOK_H
#define HAKCTL_CLIENT_LOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "hakctl/client/reply.h"
#include "hakctl/client/target.h"

#define LOOK_CLASSES 1u
#define LOOK_THREADS 2u
#define LOOK_NODES   4u

struct look {
	struct control_ledger ledger;
	struct reply_rows classes; /* struct control_class */
	struct reply_rows threads; /* struct control_thread */
	struct reply_rows nodes;   /* struct control_node */
	char release[24];	   /* of the library; "": not known */
	bool from_outside;	   /* the ledger is as old as its taken_ns says */
	char why_outside[256];	   /* "is stopped", "has no helper: …" */
};

bool look_take(const struct target *target, unsigned wanted, struct look *look,
	       struct failure *failure);
void look_free(struct look *look);

/* How long ago the ledger was taken. */
uint64_t look_age_ns(const struct look *look);

/* In blocks that the program holds, as large as their size class. */
uint64_t look_live_bytes(const struct control_ledger *ledger);

#endif

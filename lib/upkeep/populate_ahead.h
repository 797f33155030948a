/* SPDX-License-Identifier: MIT */
/*
 * populate_ahead.h - the helper's half of populating: it keeps superslabs in stock whose
 * pages are there before anybody asks for them, for each home with a demand apart. The
 * helper's alone, but for populate_ahead_read.
 *
 * What is handed out is populated to its last byte and not armed any more; what is armed and
 * missing is in nobody's hands, so a touch of it is a stray access (the tripwire).
 */
#ifndef HAKMEM_UPKEEP_POPULATE_AHEAD_H
#define HAKMEM_UPKEEP_POPULATE_AHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kmod-free-helpers/fault_probe.h>
#include <kmod-free-helpers/fault_service.h>

/* Bytes since the helper began, and now. Read by anyone; relaxed. */
struct populate_ahead_counts {
	size_t moved;		/* arrived by UFFDIO_MOVE */
	size_t copied;		/* by UFFDIO_COPY */
	size_t touched;		/* by the helper's own first touch (no userfaultfd) */
	size_t dropped;		/* of these, given back untaken */
	size_t stock;		/* populated, untaken */
	size_t armed;		/* missing, and watched for strays */
	size_t strays;		/* stray accesses, not bytes */
};

/*
 * Probes and opens what there is. Never fails: at worst it touches. has_room: on a processor
 * beside the program's threads; without, nothing is populated ahead. error: why it may keep no
 * descriptor, -errno; 0: it may.
 */
void populate_ahead_begin(bool has_room, int error);
bool populate_ahead_has_room(void);

/* The least that is free around the process, by what limits it: no more is brought. */
void populate_ahead_set_room(size_t bytes);

/* One round of work. report: for each stray access. Returns how long to sleep, in ns. */
uint64_t populate_ahead_tick(uint64_t now_ns, void (*report)(const struct fault_stray *stray));

/* What nobody took goes back now, and is brought again when a thread misses it. By a purge. */
void populate_ahead_give_back(void);

/* Readable when a stray access waits; -1: none can. */
int populate_ahead_descriptor(void);

/* In a fork's child: the descriptor and the staging area are the parent's. */
void populate_ahead_forget(void);

/* By a helper whose predecessor in this process was killed. */
void populate_ahead_take_over(void);

/* Which way pages arrive, and why not a better one; true after populate_ahead_begin. */
const struct fault_probe *populate_ahead_probe(void);

void populate_ahead_read(struct populate_ahead_counts *counts);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * populate_fill.h - how a superslab gets its pages before anybody asks for them: moved in,
 * copied in, or touched by the helper. Called by populate_ahead, for one helper's thread.
 * It knows which way, not how many or when.
 */
#ifndef HAKMEM_UPKEEP_POPULATE_FILL_H
#define HAKMEM_UPKEEP_POPULATE_FILL_H

#include <stdbool.h>
#include <stdint.h>

#include <kmod-free-helpers/fault_probe.h>
#include <kmod-free-helpers/fault_service.h>
#include <kmod-free-helpers/staging.h>

#include "upkeep/populate_policy.h"

/* The helper's alone. */
struct populate_fill {
	struct fault_probe probe;	/* which way, and why not a better one */
	struct fault_service service;
	struct staging staging;
	struct staged_range zeroes;	/* what COPY copies from; none before the first copy */
	unsigned refusals;		/* of huge pages; each may split a mapping */
};

#define POPULATE_FILL_CLOSED                                                         \
	{                                                                            \
		.probe = { .way = FAULT_PROBE_NONE }, .service = {.descriptor = -1 } \
	}

/*
 * Probes and opens what there is. Never fails: at worst it touches. node: of its pages. error: why
 * it may keep no descriptor, -errno; 0: it may.
 */
void populate_fill_begin(struct populate_fill *fill, int node, int error);
/* Another, of another node, that shares what the first has opened. */
void populate_fill_begin_beside(struct populate_fill *fill, const struct populate_fill *first,
				int node);

/* Opens nothing; the probe says why. */
void populate_fill_refuse(struct populate_fill *fill, const char *why);

/* Whether what is missing is armed. */
static inline bool populate_fill_arms(const struct populate_fill *fill)
{
	return fill->probe.way != FAULT_PROBE_NONE;
}

/* 0 where nothing is armed; else 0 or -errno. */
int populate_fill_arm(struct populate_fill *fill, char *start, uint32_t superslabs);
int populate_fill_disarm(struct populate_fill *fill, char *start);

/* The helper goes where pages of this home come from when it touches them. False: it cannot. */
bool populate_fill_reach(unsigned home);

/* A superslab that had pages before, or strays since: wholly missing again. */
void populate_fill_empty(struct populate_fill *fill, char *start);

/* What a superslab of small pages will cost, in ns, by a few of them; 0: unknown. */
uint64_t populate_fill_sample_small(struct populate_fill *fill);

/*
 * Populates one superslab to the last byte with zeroes. *zeroing_ns: the processor time for
 * the pages, 0 where there was no choice of pages. Returns 0 or -errno; -EAGAIN: later.
 */
int populate_fill_superslab(struct populate_fill *fill, char *start, enum populate_pages pages,
			    uint64_t *zeroing_ns);

/* Pages staged for nobody go back. */
void populate_fill_drain(struct populate_fill *fill);

/* Reports touches of what is armed, and gives their threads a page each. */
void populate_fill_answer_strays(struct populate_fill *fill,
				 void (*report)(const struct fault_stray *stray));

/* In a fork's child: the descriptor and the staging area are the parent's. */
void populate_fill_forget(struct populate_fill *fill);

/* Since the start, for the counters: bytes by the way they came, stray accesses. */
struct populate_fill_counts {
	size_t moved, copied, touched;
	size_t strays;
	size_t armed;		/* now: missing or about to be filled */
};

void populate_fill_read(struct populate_fill_counts *counts);

#endif

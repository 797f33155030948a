/* SPDX-License-Identifier: MIT */
/* The map of a heap: a cell a superslab of 2 MiB, as text and as SVG. */
#ifndef HAKCTL_VERBS_MAP_PICTURE_H
#define HAKCTL_VERBS_MAP_PICTURE_H

#include <stdio.h>

#include "hakctl/verbs/heat.h"

struct map_picture {
	const struct target *target;
	const struct control_ledger *ledger;
	const struct control_superslab *superslabs;
	size_t count;
	const struct heat *heat; /* NULL: not asked for */
};

/* What a cell is, of both pictures and the JSON. */
enum map_cell {
	MAP_UNUSED, /* opened, never used, or given back */
	MAP_LIVE,   /* in slabs, wholly or in part */
	MAP_FREE,   /* nothing live, pages kept */
	MAP_STOCK,  /* populated, untaken */
	MAP_ARMED,  /* missing, watched */
	MAP_LARGE,  /* blocks above 1 MiB */
	MAP_CELL_COUNT
};

enum map_cell map_picture_cell(const struct control_superslab *superslab);
const char *map_picture_name(enum map_cell cell);
/* Written within the time, 0 to 9 of nine parts; -1: not at all, or not measured. */
int map_picture_heat(const struct map_picture *picture, size_t index);

/*
 * How much of it lives, of its 2 MiB: blocks in slabs (those in thread caches as well), or large
 * ones.
 */
uint64_t map_picture_live_bytes(const struct control_superslab *superslab);
/*
 * Of superslabs that are cut into slabs or hold large blocks: 0 to 3, by quarters that live; else
 * -1.
 */
int map_picture_quarter(const struct control_superslab *superslab);

void map_picture_text(const struct map_picture *picture);
void map_picture_svg(const struct map_picture *picture, FILE *out);

#endif

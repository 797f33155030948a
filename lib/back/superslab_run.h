/* SPDX-License-Identifier: MIT */
/*
 * superslab_run.h - which units of which superslab a slab gets. Called by superslab.c alone,
 * with the superslab lock; units are put and claimed without it meanwhile.
 */
#ifndef HAKMEM_BACK_SUPERSLAB_RUN_H
#define HAKMEM_BACK_SUPERSLAB_RUN_H

#include <stdbool.h>
#include <stdint.h>

/* See superslab_take_slab. thorough: long lists are walked to their ends. */
struct superslab_wish {
	unsigned units, alignment, home;
	unsigned kind;
	bool thorough;
};

/*
 * Takes a run of units from the superslabs of the home's lists up to the last one, the fullest
 * first. UNIT_NONE: none of them has one.
 */
uint32_t superslab_run_take(struct superslab_wish wish, unsigned last_list, bool *zeroed);

#endif

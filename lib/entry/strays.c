/* SPDX-License-Identifier: MIT */
/*
 * strays.c - see strays.h.
 */
#include <config.h>

#include "entry/strays.h"

#include <stdatomic.h>
#include <string.h>

#define KEPT	64

#define WORDS	(sizeof(struct control_stray) / sizeof(uint64_t))

/* relaxed: one that is overwritten while it is read is of two strays, 64 in between */
static _Atomic uint64_t kept[KEPT][WORDS];
static _Atomic uint32_t noted;	/* release by the helper; acquire by readers */

void strays_note(const struct control_stray *stray)
{
	uint32_t number = atomic_load_explicit(&noted, memory_order_relaxed);
	uint64_t words[WORDS];
	unsigned i;

	memcpy(words, stray, sizeof(words));
	for (i = 0; i < WORDS; i++)
		atomic_store_explicit(&kept[number % KEPT][i], words[i], memory_order_relaxed);
	atomic_store_explicit(&noted, number + 1, memory_order_release);
}

uint32_t strays_count(void)
{
	uint32_t number = atomic_load_explicit(&noted, memory_order_acquire);

	return number < KEPT ? number : KEPT;
}

static void read_one(uint32_t number, struct control_stray *row)
{
	uint64_t words[WORDS];
	unsigned i;

	for (i = 0; i < WORDS; i++)
		words[i] = atomic_load_explicit(&kept[number % KEPT][i], memory_order_relaxed);
	memcpy(row, words, sizeof(words));
}

uint32_t strays_read(struct control_stray *rows, uint32_t first, uint32_t most)
{
	uint32_t count = strays_count(), i;
	uint32_t oldest = atomic_load_explicit(&noted, memory_order_relaxed) - count;

	for (i = 0; i < most && first + i < count; i++)
		read_one(oldest + first + i, &rows[i]);
	return i;
}

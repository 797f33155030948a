/* SPDX-License-Identifier: MIT */
/*
 * populate_spares.c - see populate_spares.h.
 */
#include <config.h>

#include "upkeep/populate_spares.h"

#include "back/reservation.h"
#include "back/stock.h"
#include "back/superslab_record.h"
#include "os/vm.h"

#define BATCH_MOST	8	/* superslabs armed at once */
#define RUNS_MOST	16	/* armed, one is two mappings more at most; windows take others */

void populate_spares_begin(struct populate_spares *spares, unsigned home,
			   struct populate_fill *fill)
{
	spares->home = home;
	spares->fill = fill;
}

uint32_t populate_spares_share(uint32_t most)
{
	size_t share = (reservation.limit_bytes >> SUPERSLAB_SHIFT) / (GiB / SUPERSLAB_SIZE);

	return share < most ? (uint32_t)share : most;
}

/* How many runs one more spare makes: fewer than none where it joins two. */
static int runs_with(const struct populate_spares *spares, uint32_t superslab)
{
	uint32_t i;
	int runs = 1;

	for (i = 0; i < spares->count; i++)
		runs -= spares->numbers[i] + 1 == superslab || superslab + 1 == spares->numbers[i];
	return runs;
}

static bool have_room(const struct populate_spares *spares, uint32_t superslab, uint32_t most)
{
	return spares->count < most &&
	       (int)spares->runs + runs_with(spares, superslab) <= RUNS_MOST;
}

void populate_spares_push(struct populate_spares *spares, uint32_t superslab)
{
	spares->runs += (uint32_t)runs_with(spares, superslab);
	spares->numbers[spares->count++] = superslab;
}

/* There is one. */
static uint32_t populate_spares_pop(struct populate_spares *spares)
{
	uint32_t spare = spares->numbers[--spares->count];

	spares->runs -= (uint32_t)runs_with(spares, spare);
	return spare;
}

/* Nobody but the helper knows them until there is room in the stock. */
static void push_surplus(struct populate_spares *spares, uint32_t superslab)
{
	superslab_at(superslab)->surplus_link = spares->surplus;
	spares->surplus = index_to_link(superslab);
}

static uint32_t pop_surplus(struct populate_spares *spares)
{
	uint32_t superslab = index_from_link(spares->surplus);

	spares->surplus = superslab_at(superslab)->surplus_link;
	return superslab;
}

static int arm(struct populate_spares *spares, uint32_t superslab, uint32_t superslabs)
{
	return populate_fill_arm(spares->fill, populate_spares_start(superslab), superslabs);
}

void populate_spares_put_plain(struct populate_spares *spares, uint32_t superslab)
{
	if (!stock_push(spares->home, STOCK_SPARE, superslab))
		push_surplus(spares, superslab);
}

void populate_spares_put_surplus(struct populate_spares *spares)
{
	while (spares->surplus && stock_length(spares->home, STOCK_SPARE) < STOCK_SLOTS)
		populate_spares_put_plain(spares, pop_surplus(spares));
}

void populate_spares_keep(struct populate_spares *spares, uint32_t first, uint32_t superslabs)
{
	uint32_t most = populate_spares_share(POPULATE_SPARES_MOST), kept = 0;

	while (kept < superslabs && have_room(spares, first + kept, most))
		populate_spares_push(spares, first + kept++);
	if (kept && arm(spares, first, kept))
		for (; kept; kept--)
			populate_spares_pop(spares);
	for (; kept < superslabs; kept++)
		populate_spares_put_plain(spares, first + kept);
}

static bool start_batch(struct populate_spares *spares)
{
	uint32_t first, most = populate_spares_share(BATCH_MOST);
	uint32_t superslabs = stock_take_fresh(spares->home, most ? most : 1, &first);

	if (!superslabs)
		return false;
	spares->batch = (struct populate_batch){ first, first, first + superslabs };
	if (arm(spares, first, superslabs) == 0)
		return true;
	/* Not armable (mappings used up, another userfaultfd): from now on by touching. */
	spares->fill->probe.way = FAULT_PROBE_NONE;
	return true;
}

uint32_t populate_spares_next(struct populate_spares *spares)
{
	uint32_t plain;

	if (spares->count) {
		uint32_t spare = populate_spares_pop(spares);

		populate_fill_empty(spares->fill, populate_spares_start(spare));
		return spare;
	}
	if (spares->batch.next < spares->batch.end || start_batch(spares))
		return spares->batch.next++;
	plain = stock_pop(spares->home, STOCK_SPARE);
	if (plain != SUPERSLAB_NONE && arm(spares, plain, 1)) {
		populate_spares_put_plain(spares, plain);
		return SUPERSLAB_NONE;
	}
	return plain;
}

void populate_spares_take_back(struct populate_spares *spares, uint32_t superslab)
{
	vm_drop(populate_spares_start(superslab), SUPERSLAB_SIZE);
	populate_spares_push(spares, superslab);
}

/* They come in runs, one way or the other round. */
void populate_spares_take_retired(struct populate_spares *spares)
{
	uint32_t superslab, first = 0, superslabs = 0;

	/* Only what threads may have back at once: the surplus is out of their reach. */
	while (stock_length(spares->home, STOCK_SPARE) + superslabs < STOCK_SLOTS &&
	       (superslab = stock_pop(spares->home, STOCK_RETIRED)) != SUPERSLAB_NONE) {
		if (superslabs && superslab + 1 != first && superslab != first + superslabs) {
			populate_spares_keep(spares, first, superslabs);
			superslabs = 0;
		}
		if (!superslabs || superslab < first)
			first = superslab;
		superslabs++;
	}
	populate_spares_keep(spares, first, superslabs);
}

void populate_spares_give_up(struct populate_spares *spares)
{
	for (; spares->batch.next < spares->batch.end; spares->batch.next++)
		populate_spares_put_plain(spares, spares->batch.next);
	while (spares->count)
		populate_spares_put_plain(spares, populate_spares_pop(spares));
}

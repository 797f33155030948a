/* SPDX-License-Identifier: MIT */
/*
 * superslab_list.c - see superslab_list.h.
 */
#include <config.h>

#include "back/superslab_list.h"

#include "back/index_list.h"
#include "back/index_stack.h"
#include "os/topology.h"
#include "support/invariant.h"

/* By superslab lock. */
static struct {
	uint64_t in_use;			/* a bit a list */
	uint32_t first[SUPERSLAB_LISTS];	/* links */
} lists[TOPOLOGY_HOMES_MAX] SPARSE;

static struct index_stack noted;	/* no lock */

uint64_t superslab_list_in_use(unsigned home)
{
	return lists[home].in_use;
}

uint32_t superslab_list_first(unsigned home, unsigned list)
{
	return lists[home].first[list];
}

static unsigned superslab_list_of(const struct superslab *superslab)
{
	uint32_t free = (uint32_t)atomic_load(&superslab->units);

	if (free == SUPERSLAB_ALL_UNITS &&
	    !atomic_load_explicit(&superslab->populated, memory_order_relaxed))
		return SUPERSLAB_LIST_BARE;
	return (unsigned)__builtin_popcount(free);
}

static ALWAYS_INLINE struct index_link superslab_list_link_of(uint32_t index)
{
	struct superslab *superslab = superslab_at(index);

	return (struct index_link){ &superslab->next, &superslab->previous };
}

static ALWAYS_INLINE struct index_list list_at(unsigned home, unsigned list)
{
	return (struct index_list){ .head = &lists[home].first[list],
				    .link_of = superslab_list_link_of };
}

void superslab_list_insert(uint32_t index)
{
	struct superslab *superslab = superslab_at(index);
	unsigned list = superslab_list_of(superslab), home = superslab->home;

	INVARIANT(!superslab->listed);
	superslab->listed = (uint16_t)(list + 1);
	index_list_push_head(list_at(home, list), index, superslab_list_link_of(index));
	lists[home].in_use |= (uint64_t)1 << list;
	INVARIANT(index_list_has(list_at(home, list), superslab_list_link_of(index)));
}

void superslab_list_remove(uint32_t index)
{
	struct superslab *superslab = superslab_at(index);
	unsigned list = superslab->listed - 1u, home = superslab->home;

	INVARIANT(superslab->listed &&
		  index_list_has(list_at(home, list), superslab_list_link_of(index)));
	index_list_remove(list_at(home, list), superslab_list_link_of(index));
	if (!lists[home].first[list])
		lists[home].in_use &= ~((uint64_t)1 << list);
	superslab->listed = 0;
}

void superslab_list_again(uint32_t index)
{
	struct superslab *superslab = superslab_at(index);

	if (!superslab->listed || superslab->listed - 1u == superslab_list_of(superslab))
		return;
	superslab_list_remove(index);
	superslab_list_insert(index);
}

void superslab_list_again_noted(void)
{
	uint32_t link = index_stack_take(&noted);

	while (link) {
		uint32_t index = index_from_link(link);

		link = index_stack_leave(&superslab_at(index)->moved_link);
		superslab_list_again(index);
	}
}

void superslab_list_note(uint32_t index)
{
	index_stack_push(&noted, index, &superslab_at(index)->moved_link);
}

void superslab_list_after_fork_in_child(uint32_t superslabs)
{
	uint32_t index;

	atomic_store_explicit(&noted.head, 0, memory_order_relaxed);
	/* Only those whose link is set are written to: the others' pages stay shared. */
	for (index = 0; index < superslabs; index++)
		if (atomic_load_explicit(&superslab_at(index)->moved_link, memory_order_relaxed)) {
			index_stack_leave(&superslab_at(index)->moved_link);
			superslab_list_again(index);
		}
}

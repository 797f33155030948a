/* SPDX-License-Identifier: MIT */
/*
 * mallctl_places.c - see mallctl_places.h. What lies in no slab, but in our memory, is a place of
 * its own, with one block in it and none free; of other addresses all numbers are 0.
 */
#include <config.h>

#include "jemalloc/mallctl_places.h"

#include <errno.h>

#include <hakmem/hakmem.h>

#include "back/large.h"
#include "front/defrag.h"
#include "front/misuse.h"

/* As jemalloc's header has them. */
struct place {
	size_t free, capacity, bytes;
};

struct place_in_class {
	const void *filled;
	struct place place;
	size_t free_of_all, capacity_of_all;
};

static void mallctl_places_look(const void *block, struct place_in_class *result)
{
	struct defrag_place found;
	size_t bytes;

	*result = (struct place_in_class){ .filled = NULL };
	if (defrag_look(block, &found)) {
		result->place = (struct place){ found.free, found.capacity, found.bytes };
		result->filled = found.filled;
		result->free_of_all = found.free_of_all;
		result->capacity_of_all = found.capacity_of_all;
	} else if (misuse_is_in_heap(block) &&
		   large_look_up((void *)(uintptr_t)block, &bytes) == LARGE_BLOCK) {
		result->place = (struct place){ 0, 1, bytes };
	}
}

int mallctl_places_query(void *old, size_t *old_bytes, const void *value, size_t bytes)
{
	if (!old || !old_bytes || !value || bytes != sizeof(void *) ||
	    *old_bytes != sizeof(struct place_in_class))
		return EINVAL;
	mallctl_places_look(*(const void *const *)value, old);
	return 0;
}

int mallctl_places_query_all(void *old, size_t *old_bytes, const void *value, size_t bytes)
{
	const void *const *blocks = value;
	size_t count = bytes / sizeof(*blocks), i;
	struct place_in_class whole;
	struct place *places = old;

	if (!old || !old_bytes || !value || !count || bytes % sizeof(*blocks) ||
	    *old_bytes != count * sizeof(*places))
		return EINVAL;
	for (i = 0; i < count; i++) {
		mallctl_places_look(blocks[i], &whole);
		places[i] = whole.place;
	}
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * page_size.c - see page_size.h.
 */
#include <config.h>

#include "support/page_size.h"

#include <stdatomic.h>
#include <sys/auxv.h>

size_t page_size(void)
{
	static _Atomic size_t known;	/* relaxed: whoever is first, all write the same */
	size_t bytes = atomic_load_explicit(&known, memory_order_relaxed);

	if (!bytes) {
		bytes = getauxval(AT_PAGESZ);
		atomic_store_explicit(&known, bytes, memory_order_relaxed);
	}
	return bytes;
}

/* SPDX-License-Identifier: MIT */
/*
 * large_owner.h - live large blocks that are marked as somebody's, so that they can be found.
 *
 * Who may run with whom: anyone with anyone, under the large lock.
 */
#ifndef HAKMEM_BACK_LARGE_OWNER_H
#define HAKMEM_BACK_LARGE_OWNER_H

#include <stdint.h>

/*
 * Marks a live block, of the caller's, with a number, or 0: nobody's; it loses the mark when it
 * is freed or moved. find takes the mark from a block that has it. NULL: none has.
 */
void large_owner_set(void *block, uint32_t owner);
void *large_owner_find(uint32_t owner);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * large_move.h - large blocks that grow by moving their pages, without a copy: mremap(2).
 *
 * Who may run with whom: anyone with anyone, without a lock; a block is its owner's, who is in
 * realloc().
 */
#ifndef HAKMEM_BACK_LARGE_MOVE_H
#define HAKMEM_BACK_LARGE_MOVE_H

#include <stddef.h>

/*
 * Moves the pages of a live block to a new one of at least its size, where the kernel can and
 * mappings are left; the old block is freed. NULL: nothing happened.
 */
void *large_move(void *block, size_t bytes);

/*
 * A place whose mapping the kernel took away in a move, and would not give back, is nobody's until
 * this finds the kernel willing. Does nothing where there is none.
 */
void large_move_mend(void);

#endif

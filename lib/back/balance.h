/* SPDX-License-Identifier: MIT */
/*
 * balance.h - when no more address space can be opened, memory that lies free as the one kind
 * becomes the other: superslabs and large runs. Called when an allocation would fail.
 */
#ifndef HAKMEM_BACK_BALANCE_H
#define HAKMEM_BACK_BALANCE_H

#include <stdbool.h>
#include <stddef.h>

/* Makes room for a slab. False: the large range has no free superslab. */
bool balance_toward_slabs(void);

/* Makes room for a large block. False: there are not so many free superslabs side by side. */
bool balance_toward_large(size_t bytes, size_t alignment);

#endif

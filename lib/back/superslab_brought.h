/* SPDX-License-Identifier: MIT */
/*
 * superslab_brought.h - which units of a superslab got their pages before they were in a slab.
 *
 * Who may run with whom: a unit's bit is its holder's, as superslab_record.h says.
 */
#ifndef HAKMEM_BACK_SUPERSLAB_BROUGHT_H
#define HAKMEM_BACK_SUPERSLAB_BROUGHT_H

#include <stdint.h>

/* Those of a mask. They are so no longer: the caller takes over what brought.h counts of them. */
uint32_t superslab_brought_take(uint32_t index, uint32_t mask);

/* They lose their pages. */
void superslab_brought_drop(uint32_t index, uint32_t mask);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * superslab_claim.h - units that are away while their pages go back: nobody takes them meanwhile.
 * A superslab whose last page went is retired, to the helper's stock, if there is a helper.
 *
 * Who may run with whom: anyone, the helper included; no lock.
 */
#ifndef HAKMEM_BACK_SUPERSLAB_CLAIM_H
#define HAKMEM_BACK_SUPERSLAB_CLAIM_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Free units with pages, of a mask: away from now on, so that nobody takes them while the
 * kernel works. Returns which. The inverse says which of them have no pages any more.
 */
uint32_t superslab_claim(uint32_t index, uint32_t wanted);
/* All of the mask, or none. */
bool superslab_claim_all(uint32_t index, uint32_t wanted);
void superslab_claim_put(uint32_t index, uint32_t claimed, uint32_t released);

#endif

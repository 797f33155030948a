/* SPDX-License-Identifier: MIT */
/*
 * invariant.h - what must hold, checked in a build with --enable-debug. A check may cost what it
 * likes: in other builds it is compiled, so that it cannot rot, and leaves no instruction.
 *
 * Who may run with whom: a check reads what its caller may read.
 */
#ifndef HAKMEM_SUPPORT_INVARIANT_H
#define HAKMEM_SUPPORT_INVARIANT_H

#include "support/compiler.h"
#include "support/log.h"

#define INVARIANT(condition)                                                             \
	do {                                                                             \
		if (HAKMEM_DEBUG && unlikely(!(condition)))                              \
			log_fatal("%s:%u: invariant broken: %s", __FILE__, __LINE__,     \
				  #condition);                                           \
	} while (0)

#endif

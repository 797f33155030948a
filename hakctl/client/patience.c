/* SPDX-License-Identifier: MIT */
/* See patience.h; metrics sets it, connection.c and outside.c keep to it. */
#include <config.h>

#include "hakctl/client/patience.h"

#include <time.h>

static uint64_t end_ns = UINT64_MAX;

void patience_set(unsigned ms)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	end_ns = ms ? (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec +
				 ms * UINT64_C(1000000) :
		      UINT64_MAX;
}

uint64_t patience_cut_ns(uint64_t deadline_ns)
{
	return deadline_ns < end_ns ? deadline_ns : end_ns;
}

/* SPDX-License-Identifier: MIT */
/*
 * release.c - see release.h.
 */
#include <config.h>

#include "back/release.h"

#include "os/vm.h"

bool release_range(void *start, size_t bytes)
{
	return vm_drop(start, bytes) == 0;
}

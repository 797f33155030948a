/* SPDX-License-Identifier: MIT */
/*
 * version.c - which library this is, for programs that were built with the header of another.
 */
#include <config.h>

#include <hakmem/hakmem.h>

#include "support/compiler.h"

_Static_assert(sizeof(HAK_VERSION) == sizeof(PACKAGE_VERSION), "the header's is configure's");

EXPORT const char *hak_version(void)
{
	return PACKAGE_VERSION;
}

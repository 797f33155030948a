/* SPDX-License-Identifier: MIT */
/*
 * no_memory.c - see no_memory.h. The linker puts this in the place of vm_open (--wrap).
 */
#include <config.h>

#include "tests/unit/no_memory.h"

#include <errno.h>
#include <stddef.h>

int __real_vm_open(void *start, size_t bytes);
int __wrap_vm_open(void *start, size_t bytes);

bool no_memory;

int __wrap_vm_open(void *start, size_t bytes)
{
	return no_memory ? -ENOMEM : __real_vm_open(start, bytes);
}

/* SPDX-License-Identifier: MIT */
/*
 * no_memory.h - a kernel that opens no more memory, for tests linked with --wrap=vm_open.
 */
#ifndef TESTS_UNIT_NO_MEMORY_H
#define TESTS_UNIT_NO_MEMORY_H

#include <stdbool.h>

/* vm_open is refused with -ENOMEM while it is set. */
extern bool no_memory;

#endif

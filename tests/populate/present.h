/* SPDX-License-Identifier: MIT */
/*
 * present.h - how much of an address range the kernel has pages for: by PAGEMAP_SCAN
 * (Linux 6.7, admin-guide/mm/pagemap.rst), and page by page where it has that not.
 */
#ifndef TESTS_POPULATE_PRESENT_H
#define TESTS_POPULATE_PRESENT_H

#include <stddef.h>
#include <stdint.h>

/* Ends the case where the kernel tells neither way, as a skipped one. */
size_t present_bytes(uintptr_t from, uintptr_t to);

/* The second way alone, to compare. */
size_t present_bytes_by_entries(uintptr_t from, uintptr_t to);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * kernel_file.h - small files of /proc and /sys, read at once and without memory, and the fields of
 * a status file.
 *
 * Who may run with whom: anyone with anyone.
 */
#ifndef HAKMEM_SUPPORT_KERNEL_FILE_H
#define HAKMEM_SUPPORT_KERNEL_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "support/compiler.h"

/* A descriptor, or -errno. Also of a directory. */
int kernel_file_open(const char *path) HIDDEN;

/* The length, or -errno. The text is always terminated: it is empty if the kernel says nothing. */
long kernel_file_read(const char *path, char *text, size_t bytes) HIDDEN;

/* The same, from the start of what is open; a descriptor below 0 is one that could not be had. */
long kernel_file_read_again(int file, char *text, size_t bytes) HIDDEN;

/* What follows "name:" and blanks at the beginning of a line. NULL: there is no such line. */
const char *kernel_file_field(const char *text, const char *name) HIDDEN;

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A descriptor table of the helper's own. Called first thing in its life: what it opens
 * afterwards is not among the program's descriptors, is not closed by a program that closes
 * all of its own, and is inherited by no child.
 */
#ifndef HAKMEM_DESCRIPTOR_TABLE_H
#define HAKMEM_DESCRIPTOR_TABLE_H

#include <stdbool.h>

/*
 * The calling task gets an empty table, but for the program's standard error if that is kept.
 * is_copy: it was started with a copy of the program's.
 * On -errno it has the program's, and must keep nothing open there: a program that closes all
 * would have its own next file read, or written to.
 */
int descriptor_table_separate(bool keep_error_output, bool is_copy);

#endif

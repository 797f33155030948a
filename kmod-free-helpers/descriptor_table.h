/* SPDX-License-Identifier: MIT */
/*
 * A thread's own descriptor table. Called by each of the library's own, first thing in its life:
 * what it opens afterwards is then not among the program's descriptors, is not closed by
 * a program that closes all of its own, and is inherited by no child.
 */
#ifndef HAKMEM_DESCRIPTOR_TABLE_H
#define HAKMEM_DESCRIPTOR_TABLE_H

/*
 * The calling thread gets an empty table. On -errno it keeps the program's, and must keep nothing
 * open there: a program that closes all would have its own next file read, or written to.
 */
int descriptor_table_separate(void);

/*
 * Messages of a thread with a table of its own would go nowhere: between these two its
 * standard error is what the program's is at this moment. Both only after _separate.
 */
void descriptor_table_borrow_error_output(void);
void descriptor_table_put_error_output(void);

#endif

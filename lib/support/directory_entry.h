/* SPDX-License-Identifier: MIT */
/*
 * directory_entry.h - what getdents64(2) fills a buffer with, for those who may not call
 * readdir(3), which allocates. The kernel's struct linux_dirent64 is in no header.
 */
#ifndef HAKMEM_SUPPORT_DIRECTORY_ENTRY_H
#define HAKMEM_SUPPORT_DIRECTORY_ENTRY_H

#include <stdint.h>

struct directory_entry {
	uint64_t inode;
	int64_t offset;
	unsigned short bytes;	/* to the next */
	unsigned char type;
	char name[];
};

#endif

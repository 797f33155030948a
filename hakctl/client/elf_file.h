/* SPDX-License-Identifier: MIT */
/*
 * A look into an ELF file, as far as it matters for preloading. Its tables are read, never mapped:
 * the file may be another user's, who can make it shorter at any moment. Every offset is checked,
 * so a damaged one only tells less.
 */
#ifndef HAKCTL_CLIENT_ELF_FILE_H
#define HAKCTL_CLIENT_ELF_FILE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf_part;

struct elf_file {
	int descriptor;
	const unsigned char *bytes; /* the first 4 KiB, or all if it is shorter */
	size_t size;		    /* of the file, when it was opened */
	struct elf_part *parts;	    /* what was read of it */
};

/* False with errno set: it cannot be read, or is no regular file. An empty file has size 0. */
bool elf_file_open(struct elf_file *file, const char *path);
void elf_file_close(struct elf_file *file);

/* What the file is: each asks less than the next one takes for granted. */
bool elf_file_is_elf(const struct elf_file *file);
bool elf_file_is_64_bit(const struct elf_file *file);
bool elf_file_is_for_this_machine(const struct elf_file *file);

/* Made by Go's compiler, which leaves a note at the beginning of the file. */
bool elf_file_is_go(const struct elf_file *file);

/* The dynamic loader that the program names; NULL for a static program. */
const char *elf_file_interpreter(struct elf_file *file);
/* Does it offer a function NAME to the rest of the process? */
bool elf_file_defines(struct elf_file *file, const char *name);
/* Where the variable NAME is, seen from the file's first byte in memory. */
bool elf_file_address(struct elf_file *file, const char *name, uint64_t *address);
/* Does it bind its own names to itself, whatever was preloaded (-Bsymbolic)? */
bool elf_file_is_symbolic(struct elf_file *file);

#endif

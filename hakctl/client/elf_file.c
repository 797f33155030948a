/* SPDX-License-Identifier: MIT */
/* Reads ELF headers, dynamic symbols and dynamic flags of one file; program.c asks. */
#include <config.h>

#include "hakctl/client/elf_file.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of a table in a file that somebody may have made to harm us. */
#define MOST_BYTES ((size_t)64 << 20)

/* What is read at once: the header, or the first line of a script. */
#define FIRST_BYTES ((size_t)4096)

struct elf_part {
	struct elf_part *next;
	size_t offset, bytes; /* of the file; a zero follows */
	unsigned char data[] __attribute__((aligned(16)));
};

void elf_file_close(struct elf_file *file)
{
	while (file->parts) {
		struct elf_part *part = file->parts;

		file->parts = part->next;
		free(part);
	}
	if (file->descriptor >= 0)
		close(file->descriptor);
	*file = (struct elf_file){ .descriptor = -1 };
}

/* All of it or nothing: the file may have become shorter. */
static bool fill(const struct elf_file *file, struct elf_part *part)
{
	size_t done = 0;

	while (done < part->bytes) {
		ssize_t got = pread(file->descriptor, part->data + done, part->bytes - done,
				    (off_t)(part->offset + done));

		if (got <= 0)
			return false;
		done += (size_t)got;
	}
	return true;
}

static const struct elf_part *read_part(struct elf_file *file, size_t offset, size_t bytes)
{
	struct elf_part *part;

	for (part = file->parts; part; part = part->next)
		if (part->offset <= offset && bytes <= part->bytes &&
		    offset - part->offset <= part->bytes - bytes)
			return part;
	part = malloc(sizeof(*part) + bytes + 1);
	if (!part)
		return NULL;
	*part = (struct elf_part){ .next = file->parts, .offset = offset, .bytes = bytes };
	part->data[bytes] = '\0';
	if (!fill(file, part)) {
		free(part);
		return NULL;
	}
	file->parts = part;
	return part;
}

/*
 * COUNT things of SIZE bytes at OFFSET, until the file is closed; NULL where it does not hold them
 * all.
 */
static const void *elf_file_at(struct elf_file *file, size_t offset, size_t size, size_t count)
{
	const struct elf_part *part;

	if (offset > file->size || count > (file->size - offset) / size ||
	    count > MOST_BYTES / size)
		return NULL;
	/* The tables are looked at where they were read to. */
	if (offset % _Alignof(Elf64_Sym) && size > 1)
		return NULL;
	part = read_part(file, offset, size * count);
	return part ? part->data + (offset - part->offset) : NULL;
}

/* O_NONBLOCK: whoever named it may have put a pipe there. */
bool elf_file_open(struct elf_file *file, const char *path)
{
	struct stat status;
	size_t first;

	*file = (struct elf_file){
		.descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY),
	};
	if (file->descriptor < 0)
		return false;
	if (fstat(file->descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
		elf_file_close(file);
		errno = EINVAL;
		return false;
	}
	file->size = (size_t)status.st_size;
	first = file->size < FIRST_BYTES ? file->size : FIRST_BYTES;
	file->bytes = elf_file_at(file, 0, 1, first);
	if (file->bytes)
		return true;
	elf_file_close(file);
	errno = EIO;
	return false;
}

bool elf_file_is_elf(const struct elf_file *file)
{
	return file->size >= EI_NIDENT && !memcmp(file->bytes, ELFMAG, SELFMAG);
}

bool elf_file_is_64_bit(const struct elf_file *file)
{
	return file->size >= sizeof(Elf64_Ehdr) && file->bytes[EI_CLASS] == ELFCLASS64;
}

bool elf_file_is_go(const struct elf_file *file)
{
	/* An ELF note: of type 4, from "Go". */
	static const unsigned char note[] = { 4, 0, 0, 0, 'G', 'o', 0, 0 };
	size_t size = file->size < FIRST_BYTES ? file->size : FIRST_BYTES;

	return memmem(file->bytes, size, note, sizeof(note));
}

/* hakctl and the library are built for the same machine: compare with our own file. */
bool elf_file_is_for_this_machine(const struct elf_file *file)
{
	const Elf64_Ehdr *header = (const void *)file->bytes;
	const Elf64_Ehdr *own_header;
	struct elf_file own;
	bool same;

	if (!elf_file_open(&own, "/proc/self/exe"))
		return true;
	own_header = (const void *)own.bytes;
	same = header->e_machine == own_header->e_machine &&
	       header->e_ident[EI_DATA] == own_header->e_ident[EI_DATA];
	elf_file_close(&own);
	return same;
}

static const Elf64_Phdr *elf_file_segment(struct elf_file *file, Elf64_Word type)
{
	const Elf64_Ehdr *header = (const void *)file->bytes;
	const Elf64_Phdr *segments =
		elf_file_at(file, header->e_phoff, sizeof(*segments), header->e_phnum);

	for (int i = 0; segments && i < header->e_phnum; i++)
		if (segments[i].p_type == type)
			return &segments[i];
	return NULL;
}

const char *elf_file_interpreter(struct elf_file *file)
{
	const Elf64_Phdr *segment = elf_file_segment(file, PT_INTERP);

	if (!segment || segment->p_filesz > PATH_MAX)
		return NULL;
	return elf_file_at(file, segment->p_offset, 1, segment->p_filesz);
}

static bool is_defined(const Elf64_Sym *symbol)
{
	unsigned binding = ELF64_ST_BIND(symbol->st_info);

	return symbol->st_shndx != SHN_UNDEF &&
	       (binding == STB_GLOBAL || binding == STB_WEAK);
}

/* SYMBOLS is the section with the dynamic symbols, STRINGS the one with their names. */
static const Elf64_Sym *symbol_in(struct elf_file *file, const Elf64_Shdr *symbols,
				  const Elf64_Shdr *strings, const char *name)
{
	size_t count = symbols->sh_size / sizeof(Elf64_Sym);
	const Elf64_Sym *symbol =
		elf_file_at(file, symbols->sh_offset, sizeof(*symbol), count);
	/* A zero follows what was read, so every name in it ends. */
	const char *names = elf_file_at(file, strings->sh_offset, 1, strings->sh_size);

	for (size_t i = 0; symbol && names && i < count; i++)
		if (is_defined(&symbol[i]) && symbol[i].st_name < strings->sh_size &&
		    !strcmp(names + symbol[i].st_name, name))
			return &symbol[i];
	return NULL;
}

static const Elf64_Sym *elf_file_symbol(struct elf_file *file, const char *name)
{
	const Elf64_Ehdr *header = (const void *)file->bytes;
	const Elf64_Shdr *sections =
		elf_file_at(file, header->e_shoff, sizeof(*sections), header->e_shnum);

	for (int i = 0; sections && i < header->e_shnum; i++)
		if (sections[i].sh_type == SHT_DYNSYM &&
		    sections[i].sh_link < header->e_shnum)
			return symbol_in(file, &sections[i],
					 &sections[sections[i].sh_link], name);
	return NULL;
}

bool elf_file_defines(struct elf_file *file, const char *name)
{
	const Elf64_Sym *symbol = elf_file_symbol(file, name);
	unsigned type = symbol ? ELF64_ST_TYPE(symbol->st_info) : STT_NOTYPE;

	return type == STT_FUNC || type == STT_GNU_IFUNC;
}

bool elf_file_address(struct elf_file *file, const char *name, uint64_t *address)
{
	const Elf64_Sym *symbol = elf_file_symbol(file, name);

	if (!symbol || ELF64_ST_TYPE(symbol->st_info) != STT_OBJECT)
		return false;
	*address = symbol->st_value;
	return true;
}

bool elf_file_is_symbolic(struct elf_file *file)
{
	const Elf64_Phdr *segment = elf_file_segment(file, PT_DYNAMIC);
	const Elf64_Dyn *entry;
	size_t count;

	if (!segment)
		return false;
	count = segment->p_filesz / sizeof(*entry);
	entry = elf_file_at(file, segment->p_offset, sizeof(*entry), count);
	for (size_t i = 0; entry && i < count && entry[i].d_tag != DT_NULL; i++)
		if (entry[i].d_tag == DT_SYMBOLIC ||
		    (entry[i].d_tag == DT_FLAGS && entry[i].d_un.d_val & DF_SYMBOLIC))
			return true;
	return false;
}

/* SPDX-License-Identifier: MIT */
/* Reads ELF headers, dynamic symbols and dynamic flags of one file; program.c asks. */
#include <config.h>

#include "hakctl/elf_file.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

bool elf_file_open(struct elf_file *file, const char *path)
{
	struct stat status;
	void *bytes = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	if (fstat(fd, &status) == 0 && status.st_size > 0)
		bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (bytes == MAP_FAILED)
		return false;
	file->bytes = bytes;
	file->size = bytes ? (size_t)status.st_size : 0;
	return true;
}

void elf_file_close(struct elf_file *file)
{
	if (file->bytes)
		munmap((void *)file->bytes, file->size);
	*file = (struct elf_file){ 0 };
}

/* COUNT things of SIZE bytes at OFFSET; NULL where the file does not hold them all. */
static const void *elf_file_at(const struct elf_file *file, size_t offset, size_t size,
			       size_t count)
{
	if (offset > file->size || count > (file->size - offset) / size)
		return NULL;
	/* The tables are read in place. */
	if (offset % _Alignof(Elf64_Sym) && size > 1)
		return NULL;
	return file->bytes + offset;
}

/* The text at OFFSET, if it ends within the file. */
static const char *elf_file_text(const struct elf_file *file, size_t offset)
{
	if (offset >= file->size || !memchr(file->bytes + offset, 0, file->size - offset))
		return NULL;
	return (const char *)file->bytes + offset;
}

bool elf_file_is_elf(const struct elf_file *file)
{
	return file->size >= EI_NIDENT && !memcmp(file->bytes, ELFMAG, SELFMAG);
}

bool elf_file_is_64_bit(const struct elf_file *file)
{
	return file->size >= sizeof(Elf64_Ehdr) && file->bytes[EI_CLASS] == ELFCLASS64;
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

static const Elf64_Phdr *elf_file_segment(const struct elf_file *file, Elf64_Word type)
{
	const Elf64_Ehdr *header = (const void *)file->bytes;
	const Elf64_Phdr *segments =
		elf_file_at(file, header->e_phoff, sizeof(*segments), header->e_phnum);

	for (int i = 0; segments && i < header->e_phnum; i++)
		if (segments[i].p_type == type)
			return &segments[i];
	return NULL;
}

const char *elf_file_interpreter(const struct elf_file *file)
{
	const Elf64_Phdr *segment = elf_file_segment(file, PT_INTERP);

	return segment ? elf_file_text(file, segment->p_offset) : NULL;
}

static bool is_defined(const Elf64_Sym *symbol)
{
	unsigned binding = ELF64_ST_BIND(symbol->st_info);

	return symbol->st_shndx != SHN_UNDEF &&
	       (binding == STB_GLOBAL || binding == STB_WEAK);
}

/* SYMBOLS is the section with the dynamic symbols, STRINGS the one with their names. */
static const Elf64_Sym *symbol_in(const struct elf_file *file, const Elf64_Shdr *symbols,
				  const Elf64_Shdr *strings, const char *name)
{
	size_t count = symbols->sh_size / sizeof(Elf64_Sym);
	const Elf64_Sym *symbol =
		elf_file_at(file, symbols->sh_offset, sizeof(*symbol), count);

	for (size_t i = 0; symbol && i < count; i++) {
		const char *text;

		if (!is_defined(&symbol[i]))
			continue;
		text = elf_file_text(file, strings->sh_offset + symbol[i].st_name);
		if (text && !strcmp(text, name))
			return &symbol[i];
	}
	return NULL;
}

static const Elf64_Sym *elf_file_symbol(const struct elf_file *file, const char *name)
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

bool elf_file_defines(const struct elf_file *file, const char *name)
{
	const Elf64_Sym *symbol = elf_file_symbol(file, name);
	unsigned type = symbol ? ELF64_ST_TYPE(symbol->st_info) : STT_NOTYPE;

	return type == STT_FUNC || type == STT_GNU_IFUNC;
}

bool elf_file_address(const struct elf_file *file, const char *name, uint64_t *address)
{
	const Elf64_Sym *symbol = elf_file_symbol(file, name);

	if (!symbol || ELF64_ST_TYPE(symbol->st_info) != STT_OBJECT)
		return false;
	*address = symbol->st_value;
	return true;
}

bool elf_file_is_symbolic(const struct elf_file *file)
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

/* SPDX-License-Identifier: MIT */
/*
 * kernel_version.c - see kernel_version.h. Not by uname(2), which a seccomp filter might kill for.
 */
#include <config.h>

#include "os/kernel_version.h"

#include <elf.h>
#include <link.h>
#include <stdatomic.h>
#include <sys/auxv.h>

#include "support/compiler.h"

#define NOT_READ	UINT32_MAX

/* "Linux", type 0: in the vDSO's notes. */
static uint32_t version_in(const char *note, const char *end)
{
	while (note + sizeof(ElfW(Nhdr)) <= end) {
		const ElfW(Nhdr) *head = (const ElfW(Nhdr) *)(const void *)note;
		const char *content = note + sizeof(*head) + align_up(head->n_namesz, 4);

		if (head->n_type == 0 && head->n_namesz == sizeof("Linux") && head->n_descsz == 4)
			return *(const uint32_t *)(const void *)content;
		note = content + align_up(head->n_descsz, 4);
	}
	return 0;
}

static uint32_t read_version(void)
{
	const char *file = (const char *)getauxval(AT_SYSINFO_EHDR);
	const ElfW(Ehdr) *head = (const ElfW(Ehdr) *)(const void *)file;
	const ElfW(Phdr) *part;
	uint32_t version = 0;
	unsigned i;

	if (!file)
		return 0;
	part = (const ElfW(Phdr) *)(const void *)(file + head->e_phoff);
	for (i = 0; i < head->e_phnum && !version; i++)
		if (part[i].p_type == PT_NOTE)
			version = version_in(file + part[i].p_offset,
					     file + part[i].p_offset + part[i].p_filesz);
	return version;
}

uint32_t kernel_version(void)
{
	static _Atomic uint32_t kept = NOT_READ;	/* relaxed: all read the same */
	uint32_t version = atomic_load_explicit(&kept, memory_order_relaxed);

	if (version == NOT_READ) {
		version = read_version();
		atomic_store_explicit(&kept, version, memory_order_relaxed);
	}
	return version;
}

/* SPDX-License-Identifier: MIT */
/* See remote.h; snapshot.c and outside.c call it. */
#include <config.h>

#include "hakctl/client/remote.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#include "hakctl/client/elf_file.h"

bool remote_read(const struct process *process, uint64_t from, void *to, size_t bytes)
{
	struct iovec local = { to, bytes };
	struct iovec remote = { (void *)(uintptr_t)from, bytes };
	ssize_t got = process_vm_readv(process->pid, &local, 1, &remote, 1, 0);

	if (got >= 0 && got != (ssize_t)bytes)
		errno = EFAULT;
	return got == (ssize_t)bytes;
}

bool remote_find(const struct process_library *library, const char *symbol, uint64_t *address,
		 struct failure *failure)
{
	struct elf_file file;
	bool found;

	if (!elf_file_open(&file, library->readable))
		return failure_set(failure, EXIT_REFUSED, "its library %s: %s", library->path,
				   strerror(errno));
	found = elf_file_is_elf(&file) && elf_file_is_64_bit(&file) &&
		elf_file_address(&file, symbol, address);
	elf_file_close(&file);
	if (!found)
		return failure_set(
			failure, EXIT_REFUSED,
			"its library %s does not export %s; it is older than this hakctl",
			library->path, symbol);
	*address += library->base;
	return true;
}

/* SPDX-License-Identifier: MIT */
/*
 * kernel_file.c - see kernel_file.h.
 */
#include <config.h>

#include "support/kernel_file.h"

#include <fcntl.h>
#include <string.h>

#include "support/system_call.h"

int kernel_file_open(const char *path)
{
	return (int)system_call(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
}

static long terminate(char *text, long length)
{
	text[length > 0 ? length : 0] = '\0';
	return length;
}

long kernel_file_read(const char *path, char *text, size_t bytes)
{
	int file = kernel_file_open(path);
	long length = file < 0 ? file : system_call(SYS_read, file, text, bytes - 1);

	if (file >= 0)
		system_call(SYS_close, file);
	return terminate(text, length);
}

long kernel_file_read_again(int file, char *text, size_t bytes)
{
	return terminate(text, file < 0 ? file :
					  system_call(SYS_pread64, file, text, bytes - 1, 0ul));
}

const char *kernel_file_field(const char *text, const char *name)
{
	size_t length = strlen(name);

	for (; text; text = strchr(text, '\n'), text += text != NULL) {
		if (strncmp(text, name, length) == 0 && text[length] == ':') {
			text += length + 1;
			return text + strspn(text, " \t");
		}
	}
	return NULL;
}

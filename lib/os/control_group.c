/* SPDX-License-Identifier: MIT */
/*
 * control_group.c - see control_group.h; cgroups(7). Paths in /proc/self/cgroup may be another
 * namespace's view: then the mount point is the best there is.
 */
#include <config.h>

#include "os/control_group.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "support/kernel_file.h"
#include "support/log.h"
#include "support/number.h"
#include "support/system_call.h"

#define TEXT_BYTES	4096

static int open_at(int folder, const char *path, int flags)
{
	return (int)system_call(SYS_openat, folder, path, flags | O_RDONLY | O_CLOEXEC, 0);
}

uint64_t control_group_number(int file)
{
	char text[32];

	kernel_file_read_again(file, text, sizeof(text));
	return number_read(text, NULL);
}

int control_group_open_file(int folder, const char *name)
{
	return folder < 0 ? folder : open_at(folder, name, 0);
}

void control_group_close(int descriptor)
{
	if (descriptor >= 0)
		system_call(SYS_close, descriptor);
}

/* Behind a key such as "0::"; *length up to the line's end. NULL: there is none. */
static char *path_of(char *groups, const char *key, size_t *length)
{
	char *found = strstr(groups, key);

	if (!found)
		return NULL;
	found += strlen(key);
	*length = strcspn(found, "\n");
	return found;
}

/* Cuts so many names off the end of a path. False: it has fewer. */
static bool climb(const char *path, size_t *length, unsigned up)
{
	for (; up; up--) {
		if (*length <= 1)
			return false;
		while (*length > 1 && path[*length - 1] != '/')
			--*length;
		if (*length > 1)
			--*length;
	}
	return true;
}

static int open_below(const char *mount, char *path, size_t length, unsigned up)
{
	char name[TEXT_BYTES];
	int folder;

	if (!climb(path, &length, up))
		return -ENOENT;
	path[length] = '\0';
	log_format_text(name, sizeof(name), "%s%s", mount, path);
	folder = open_at(AT_FDCWD, name, O_DIRECTORY);
	return folder >= 0 || up ? folder : open_at(AT_FDCWD, mount, O_DIRECTORY);
}

int control_group_open(const char *controller, unsigned up)
{
	char groups[TEXT_BYTES], key[32], mount[64], *path;
	size_t length;

	kernel_file_read("/proc/self/cgroup", groups, sizeof(groups));
	log_format_text(key, sizeof(key), ":%s:", controller);
	path = path_of(groups, key, &length);
	if (path) {
		log_format_text(mount, sizeof(mount), "/sys/fs/cgroup/%s", controller);
		return open_below(mount, path, length, up);
	}
	path = path_of(groups, "0::", &length);
	return path ? open_below("/sys/fs/cgroup", path, length, up) : -ENOENT;
}

/* SPDX-License-Identifier: MIT */
/* The search for libhakmem.so; run and version use it. */
#include <config.h>

#include "hakctl/client/library.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The first comes with what is needed to build programs, and is a link; the second always. */
static const char *const names[] = { "libhakmem.so", "libhakmem.so.1" };

/* Relative to the folder of the hakctl that runs; in this order. */
static const char *const places[] = {
	".",	    /* copied together into one folder */
	"../.libs", /* the build tree */
	"../lib",   /* installed, and perhaps moved since */
};

/*
 * The path is made absolute, for the program may change its directory before it starts
 * another one, but symbolic links stay: they are what an upgrade replaces.
 */
static bool library_in(const char *folder, char path[PATH_MAX])
{
	char real_folder[PATH_MAX];

	if (!realpath(folder, real_folder))
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int length = snprintf(path, PATH_MAX, "%s/%s", real_folder, names[i]);

		if (length < PATH_MAX && access(path, R_OK) == 0)
			return true;
	}
	return false;
}

static bool own_folder(char folder[PATH_MAX])
{
	ssize_t length = readlink("/proc/self/exe", folder, PATH_MAX - 1);

	if (length <= 0)
		return false;
	folder[length] = '\0';
	*strrchr(folder, '/') = '\0';
	return true;
}

bool library_find(char path[PATH_MAX])
{
	char own[PATH_MAX];

	if (own_folder(own)) {
		for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
			char folder[PATH_MAX + 16];

			snprintf(folder, sizeof(folder), "%s/%s", own, places[i]);
			if (library_in(folder, path))
				return true;
		}
	}
	return library_in(LIBDIR, path);
}

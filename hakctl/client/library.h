/* SPDX-License-Identifier: MIT */
/* Where libhakmem.so is: beside hakctl, in the build tree or installed. */
#ifndef HAKCTL_CLIENT_LIBRARY_H
#define HAKCTL_CLIENT_LIBRARY_H

#include <limits.h>
#include <stdbool.h>

/* The library that belongs to this hakctl; false, without a message, if there is none. */
bool library_find(char path[PATH_MAX]);

#endif

/* SPDX-License-Identifier: MIT */
/* What plugin.c exports; dlclose.c finds it by dlsym. */
#ifndef TESTS_CONTRACT_PLUGIN_H
#define TESTS_CONTRACT_PLUGIN_H

#include <stddef.h>

void *plugin_allocate(size_t size);
void plugin_release(void *block);

#endif

/* SPDX-License-Identifier: MIT */
/* What deepbind_plugin.c and deepbind_caller.c export; deepbind.c finds it by dlsym. */
#ifndef TESTS_CONTRACT_DEEPBIND_PLUGIN_H
#define TESTS_CONTRACT_DEEPBIND_PLUGIN_H

/* 0: it worked. */
int deepbind_plugin_use(void);

/* dlopen, called from a library that has a search path of its own. */
void *deepbind_caller_open(const char *file, int mode);

#endif

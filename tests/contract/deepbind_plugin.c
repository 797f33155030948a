/* SPDX-License-Identifier: MIT */
/* A library for deepbind.c: it frees and resizes what the C library has allocated. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/contract/deepbind_plugin.h"

static char *of_constructor;

__attribute__((constructor)) static void take(void)
{
	of_constructor = strdup("taken by the constructor");
	free(strdup("put by the constructor"));
}

int deepbind_plugin_use(void)
{
	char *copy = strdup("from the C library"), *text = NULL, *path, *line = NULL;
	size_t bytes = 0;
	FILE *file = fopen("/proc/self/maps", "r");

	if (!copy || !file || asprintf(&text, "%s, printed", copy) < 0)
		return 1;
	copy = realloc(copy, 5000);
	path = realpath("/tmp/..", NULL);
	while (getline(&line, &bytes, file) > 0)
		;
	fclose(file);
	free(line);
	free(path);
	free(text);
	free(copy);
	free(of_constructor);
	of_constructor = NULL;
	return 0;
}

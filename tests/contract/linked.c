/* SPDX-License-Identifier: MIT */
/*
 * A program linked with the library, not preloaded. Says what it finds, for
 * linked_programs_use_the_library.sh and set_id_programs_ignore_options.sh.
 */
#include <dlfcn.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "tests/contract/block.h"

int main(void)
{
	char *small = malloc(1000), *large = malloc((size_t)64 << 20);
	Dl_info info;

	if (!dladdr(dlsym(RTLD_DEFAULT, "malloc"), &info))
		return 1;
	if (small)
		memset(hidden(small), 1, malloc_usable_size(small));
	printf("library %s\n", info.dli_fname);
	printf("secure %lu\n", getauxval(AT_SECURE));
	printf("64 MiB %s\n", large ? "given" : "refused");
	free(small);
	free(large);
	return 0;
}

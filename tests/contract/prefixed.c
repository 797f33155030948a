/* SPDX-License-Identifier: MIT */
/*
 * A program that has malloc and jemalloc's names behind a prefix keeps its own malloc, and the
 * prefixed ones are all of one heap.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hakmem/prefixed.h>

#define CHECK(what) \
	do { \
		if (!(what)) { \
			printf("line %d: not so: %s\n", __LINE__, #what); \
			exit(1); \
		} \
	} while (0)

void *HAKMEM_NAME(mallocx)(size_t size, int flags);
void HAKMEM_NAME(sdallocx)(void *block, size_t size, int flags);
int HAKMEM_NAME(mallctl)(const char *name, void *old, size_t *old_bytes, void *value,
			 size_t bytes);
int HAKMEM_NAME(get_defrag_hint)(void *block);

/* The start of the object that an address of code lies in. */
static void *object_of(void *code)
{
	Dl_info info;

	CHECK(dladdr(code, &info));
	return info.dli_fbase;
}

int main(void)
{
	void *of_program = dlsym(RTLD_DEFAULT, "malloc"), *mine = malloc(1000);
	char *block = HAKMEM_NAME(malloc)(1000), *zeroes = HAKMEM_NAME(calloc)(10, 100);
	void *aligned = NULL;
	size_t allocated = 0, bytes = sizeof(allocated);

	CHECK(of_program && mine && block && zeroes && !zeroes[0] && !zeroes[999]);
	CHECK(object_of(of_program) != object_of(dlsym(RTLD_DEFAULT, "hak_malloc")));
	CHECK(HAKMEM_NAME(malloc_usable_size)(block) >= 1000);
	block = HAKMEM_NAME(realloc)(block, 100000);
	CHECK(block && HAKMEM_NAME(posix_memalign)(&aligned, 4096, 100) == 0);
	CHECK((uintptr_t)aligned % 4096 == 0);
	CHECK(HAKMEM_NAME(mallctl)("stats.allocated", &allocated, &bytes, NULL, 0) == 0);
	CHECK(allocated >= 100000 && allocated < 1000000);
	CHECK(!HAKMEM_NAME(get_defrag_hint)(mine));
	HAKMEM_NAME(sdallocx)(block, 100000, 0);
	HAKMEM_NAME(free)(HAKMEM_NAME(mallocx)(50, 0));
	HAKMEM_NAME(free)(aligned);
	HAKMEM_NAME(free)(zeroes);
	free(mine);
	return 0;
}

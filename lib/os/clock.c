/* SPDX-License-Identifier: MIT */
/*
 * clock.c - see clock.h. The vDSO is a shared object in memory: its dynamic section, symbols and
 * hash table are read once.
 */
#include <config.h>

#include "os/clock.h"

#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <time.h>

#include "support/page_size.h"
#include "support/system_call.h"

#if defined(__x86_64__)
#define CLOCK_FUNCTION	"__vdso_clock_gettime"
#elif defined(__aarch64__)
#define CLOCK_FUNCTION	"__kernel_clock_gettime"
#else
#define CLOCK_FUNCTION	"__vdso_clock_gettime"
#endif

/* As large as pages can be on this machine. */
#if defined(__x86_64__)
#define SEALED_BYTES	4096
#else
#define SEALED_BYTES	65536
#endif

typedef int clock_function(clockid_t clock, struct timespec *now);

struct object {
	uintptr_t base;			/* what its addresses count from */
	const ElfW(Sym) *symbols;
	const char *names;
	const uint32_t *hash;		/* DT_HASH: buckets, symbols, … */
	const uint32_t *gnu_hash;	/* DT_GNU_HASH, where the other is missing */
};

static const ElfW(Dyn) *find_dynamic(struct object *object, const ElfW(Ehdr) *file)
{
	const ElfW(Phdr) *part = (const ElfW(Phdr) *)((const char *)file + file->e_phoff);
	const ElfW(Dyn) *dynamic = NULL;
	unsigned i;

	for (i = 0; i < file->e_phnum; i++) {
		if (part[i].p_type == PT_LOAD && !object->base)
			object->base = (uintptr_t)file + part[i].p_offset - part[i].p_vaddr;
		else if (part[i].p_type == PT_DYNAMIC)
			dynamic = (const ElfW(Dyn) *)((const char *)file + part[i].p_offset);
	}
	return dynamic;
}

static bool read_object(struct object *object, const ElfW(Ehdr) *file)
{
	const ElfW(Dyn) *entry = find_dynamic(object, file);

	for (; entry && entry->d_tag != DT_NULL; entry++) {
		const void *place = (const void *)(object->base + entry->d_un.d_ptr);

		if (entry->d_tag == DT_SYMTAB)
			object->symbols = place;
		else if (entry->d_tag == DT_STRTAB)
			object->names = place;
		else if (entry->d_tag == DT_HASH)
			object->hash = place;
		else if (entry->d_tag == DT_GNU_HASH)
			object->gnu_hash = place;
	}
	return object->symbols && object->names && (object->hash || object->gnu_hash);
}

/* One past the last symbol: the highest that a bucket begins with, and on to its chain's end. */
static uint32_t count_hashed(const uint32_t *hash)
{
	uint32_t buckets = hash[0], first = hash[1], i, last = 0;
	const uint32_t *bucket = hash + 4 + hash[2] * (sizeof(ElfW(Addr)) / sizeof(uint32_t));
	const uint32_t *chain = bucket + buckets;

	for (i = 0; i < buckets; i++)
		if (bucket[i] > last)
			last = bucket[i];
	while (last >= first && !(chain[last - first] & 1))
		last++;
	return last + 1;
}

static clock_function *find_function(void)
{
	const ElfW(Ehdr) *file = (const ElfW(Ehdr) *)getauxval(AT_SYSINFO_EHDR);
	struct object object = { 0 };
	uint32_t i, count;

	if (!file || !read_object(&object, file))
		return NULL;
	count = object.hash ? object.hash[1] : count_hashed(object.gnu_hash);
	for (i = 0; i < count; i++)
		if (object.symbols[i].st_shndx != SHN_UNDEF &&
		    strcmp(object.names + object.symbols[i].st_name, CLOCK_FUNCTION) == 0)
			return (clock_function *)(object.base + object.symbols[i].st_value);
	return NULL;
}

/*
 * A page of its own, which clock_seal makes read-only: a pointer to a function that can be
 * overwritten would be run by whoever reads the time next. The constructor reads it first, so
 * nobody writes there once there may be a helper.
 */
static union {
	struct {
		_Atomic bool is_found;			/* release; acquire by all */
		_Atomic(clock_function *) function;	/* relaxed: all find the same */
	};
	char page[SEALED_BYTES];
} sealed __attribute__((aligned(SEALED_BYTES)));

static clock_function *function_of_clock(void)
{
	if (!atomic_load_explicit(&sealed.is_found, memory_order_acquire)) {
		atomic_store_explicit(&sealed.function, find_function(), memory_order_relaxed);
		atomic_store_explicit(&sealed.is_found, true, memory_order_release);
	}
	return atomic_load_explicit(&sealed.function, memory_order_relaxed);
}

void clock_seal(void)
{
	function_of_clock();
	/* Were pages larger, others would lie in the same one. */
	if (page_size() <= SEALED_BYTES)
		system_call(SYS_mprotect, &sealed, SEALED_BYTES, PROT_READ);
}

uint64_t clock_now_ns(void)
{
	clock_function *read = function_of_clock();
	struct timespec now;

	if (!read || read(CLOCK_MONOTONIC, &now))
		return 0;
	return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

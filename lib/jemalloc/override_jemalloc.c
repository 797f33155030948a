/* SPDX-License-Identifier: MIT */
/*
 * override_jemalloc.c - jemalloc's own names. A program that is linked with libjemalloc finds
 * malloc here first, and must find sdallocx here too: what one allocator gave, the other cannot
 * free. Declared here: there is no header of jemalloc's to build with.
 */
#include <config.h>

#include <stdbool.h>
#include <string.h>
#include <sys/auxv.h>

#include <hakmem/hakmem.h>

#include "jemalloc/jemalloc_conf.h"
#include "jemalloc/jemalloc_prefix.h"
#include "jemalloc/mallctl.h"
#include "jemalloc/mallctl_arenas.h"
#include "front/extended.h"
#include "front/free.h"
#include "front/malloc.h"
#include "os/program.h"
#include "support/log.h"
#include "support/system_call.h"

/*
 * MALLOCX_LG_ALIGN, MALLOCX_ALIGN and MALLOCX_ZERO are HAK_LG_ALIGN, HAK_ALIGN and HAK_ZERO, and
 * MALLOCX_TCACHE_NONE is HAK_UNCACHED. Another cache by number means nothing, since each thread has
 * its own; an arena by number is one of the program's.
 */
#define CACHE_FLAGS	0xfff00
#define NO_CACHE	0x100
#define ARENA_SHIFT	20

#define LINE_BYTES	200

void *mallocx(size_t size, int flags);
void *rallocx(void *block, size_t size, int flags);
size_t xallocx(void *block, size_t size, size_t extra, int flags);
size_t sallocx(const void *block, int flags);
void dallocx(void *block, int flags);
void sdallocx(void *block, size_t size, int flags);
size_t nallocx(size_t size, int flags);
int mallctl(const char *name, void *old, size_t *old_bytes, void *value, size_t bytes);
int mallctlnametomib(const char *name, size_t *short_form, size_t *length);
int mallctlbymib(const size_t *short_form, size_t length, void *old, size_t *old_bytes,
		 void *value, size_t bytes);
void malloc_stats_print(void (*write)(void *, const char *), void *argument,
			const char *wanted);

/* By redis and valkey, of the jemalloc that they bring along. */
int je_get_defrag_hint(void *block);

/* A program may define the one and set the other. */
extern const char *malloc_conf;
extern void (*malloc_message)(void *argument, const char *text);
EXPORT __attribute__((weak)) const char *malloc_conf;
EXPORT void (*malloc_message)(void *argument, const char *text);

/* 0: the one that everybody allocates from. */
static size_t arena_of(int flags)
{
	unsigned number = (unsigned)flags >> ARENA_SHIFT;

	return number ? number - 1 : 0;
}

static bool wants_no_cache(int flags)
{
	return (flags & CACHE_FLAGS) == NO_CACHE;
}

static int own_flags(int flags)
{
	return (flags & EXTENDED_SAME_FLAGS) | (wants_no_cache(flags) ? HAK_UNCACHED : 0);
}

EXPORT void *mallocx(size_t size, int flags)
{
	char *block;

	if (likely(!(flags & ~CACHE_FLAGS) && !wants_no_cache(flags)))
		return malloc_inline(size);
	if (unlikely(arena_of(flags)))
		block = mallctl_arenas_take(arena_of(flags), size, flags & EXTENDED_SAME_FLAGS);
	else
		block = hak_mallocx(size, own_flags(flags));
	/* There all of the block is zero, not as much as was asked for. */
	if (block && flags & HAK_ZERO)
		memset(block + size, 0, hak_malloc_usable_size(block) - size);
	return block;
}

EXPORT void *rallocx(void *block, size_t size, int flags)
{
	if (unlikely(arena_of(flags)))
		return mallctl_arenas_resize(arena_of(flags), block, size,
					     flags & EXTENDED_SAME_FLAGS);
	return hak_rallocx(block, size, flags & EXTENDED_SAME_FLAGS);
}

EXPORT size_t xallocx(void *block, size_t size, size_t extra, int flags)
{
	return hak_xallocx(block, size, extra, flags & EXTENDED_SAME_FLAGS);
}

EXPORT size_t sallocx(const void *block, int flags)
{
	return hak_sallocx(block, flags & EXTENDED_SAME_FLAGS);
}

EXPORT void dallocx(void *block, int flags)
{
	if (unlikely(wants_no_cache(flags)))
		hak_dallocx(block, HAK_UNCACHED);
	else
		free_inline(block);
}

EXPORT void sdallocx(void *block, size_t size, int flags)
{
	(void)size;
	dallocx(block, flags);
}

EXPORT int je_get_defrag_hint(void *block)
{
	return hak_defrag_hint(block);
}

EXPORT size_t nallocx(size_t size, int flags)
{
	return hak_nallocx(size, flags & EXTENDED_SAME_FLAGS);
}

EXPORT int mallctl(const char *name, void *old, size_t *old_bytes, void *value, size_t bytes)
{
	return mallctl_by_name(name, old, old_bytes, value, bytes);
}

EXPORT int mallctlnametomib(const char *name, size_t *short_form, size_t *length)
{
	return mallctl_to_short_form(name, short_form, length);
}

EXPORT int mallctlbymib(const size_t *short_form, size_t length, void *old, size_t *old_bytes,
			void *value, size_t bytes)
{
	return mallctl_by_short_form(short_form, length, old, old_bytes, value, bytes);
}

static void override_jemalloc_write_message(void *argument, const char *text)
{
	(void)argument;
	system_call(SYS_write, 2, text, strlen(text));
}

static const char *const printed[] = {
	"allocated", "active", "metadata", "resident", "mapped", "retained",
};

struct printer {
	void (*write)(void *argument, const char *text);
	void *argument;
};

static PRINTF(2, 3) void print_to(const struct printer *printer, const char *format, ...)
{
	char line[LINE_BYTES];
	va_list arguments;

	va_start(arguments, format);
	log_format(line, sizeof(line), format, arguments);
	va_end(arguments);
	printer->write(printer->argument, line);
}

static size_t override_jemalloc_count_of(const char *name)
{
	char whole[LINE_BYTES];

	log_format_text(whole, sizeof(whole), "stats.%s", name);
	return mallctl_number(whole);
}

/* The part of jemalloc's JSON that has counterparts. */
static void print_json(const struct printer *printer, const char *version)
{
	size_t i;

	print_to(printer, "{\"jemalloc\":{\"version\":\"%s\",\"stats\":{", version);
	for (i = 0; i < ARRAY_LENGTH(printed); i++)
		print_to(printer, "%s\"%s\":%zu", i ? "," : "", printed[i],
		      override_jemalloc_count_of(printed[i]));
	print_to(printer, "}}}\n");
}

static void print_text(const struct printer *printer, const char *version)
{
	size_t i;

	print_to(printer, "___ Begin jemalloc statistics ___\nVersion: %s\n", version);
	for (i = 0; i < ARRAY_LENGTH(printed); i++)
		print_to(printer, "%s%s: %zu", i ? ", " : "", printed[i],
		      override_jemalloc_count_of(printed[i]));
	print_to(printer, "\nArenas: %zu\nBins: %zu\n", mallctl_number("arenas.narenas"),
	      mallctl_number("arenas.nbins"));
	print_to(printer, "dirty_decay_ms: %zu, threads: %zu, in their caches: %zu\n",
	      mallctl_number("arenas.dirty_decay_ms"),
	      mallctl_number("stats.arenas.0.nthreads"),
	      mallctl_number("stats.arenas.0.tcache_bytes"));
	print_to(printer, "--- End jemalloc statistics ---\n");
}

EXPORT void malloc_stats_print(void (*write)(void *, const char *), void *argument,
			       const char *wanted)
{
	struct printer printer = { write, argument };
	size_t bytes = sizeof(const char *);
	const char *version = "";
	uint64_t epoch = 1;

	if (!write)
		printer.write = malloc_message ? malloc_message : override_jemalloc_write_message;
	mallctl_by_name("version", &version, &bytes, NULL, 0);
	mallctl_by_name("epoch", NULL, NULL, &epoch, sizeof(epoch));
	if (wanted && strchr(wanted, 'J'))
		print_json(&printer, version);
	else
		print_text(&printer, version);
}

/* Before the library's other constructor, which reads hakmem's own options over these. */
static void override_jemalloc_start(int argc, char **argv, char **environment)
{
	static const char variable[] = "MALLOC_CONF=";

	(void)argc;
	(void)argv;
	environment = program_environment(environment);
	if (malloc_conf)
		jemalloc_conf_read(malloc_conf, "malloc_conf");
	if (getauxval(AT_SECURE))
		return;
	for (; environment && *environment; environment++)
		if (strncmp(*environment, variable, sizeof(variable) - 1) == 0)
			jemalloc_conf_read(*environment + sizeof(variable) - 1, "MALLOC_CONF");
}

AT_START(override_jemalloc_start, ".00101");

__attribute__((destructor)) static void override_jemalloc_end(void)
{
	if (jemalloc_conf_prints_stats())
		malloc_stats_print(NULL, NULL, NULL);
}

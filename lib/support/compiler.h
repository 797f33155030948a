/* SPDX-License-Identifier: MIT */
/*
 * compiler.h - the attributes that the code uses, spelled as words.
 */
#ifndef HAKMEM_SUPPORT_COMPILER_H
#define HAKMEM_SUPPORT_COMPILER_H

#include <stddef.h>
#include <stdint.h>

#include "support/arch.h"

#define likely(condition)	__builtin_expect(!!(condition), 1)
#define unlikely(condition)	__builtin_expect(!!(condition), 0)

#define NOINLINE	__attribute__((noinline))
#define ALWAYS_INLINE	inline __attribute__((always_inline))
#define NORETURN	__attribute__((noreturn))
#define PRINTF(text, first)	__attribute__((format(printf, text, first)))
#define CACHE_ALIGNED	__attribute__((aligned(ARCH_CACHE_LINE_BYTES)))
/*
 * Of arrays of which most is never written: the linker sorts by alignment, and so leaves what is
 * small and written together, on few pages of each process.
 */
#define SPARSE		__attribute__((aligned(4 * ARCH_CACHE_LINE_BYTES)))
/*
 * The loader calls the function at the start, with what main gets; order: "" or ".00101", which
 * comes before. Under -flto the compiler gathers what has __attribute__((constructor)) into one
 * function, which passes nothing on.
 */
#define AT_START(function, order)							\
	static void (*function##_entry)(int, char **, char **)				\
		__attribute__((section(".init_array" order), used)) = (function)
#define EXPORT		__attribute__((visibility("default")))
/* For declarations of data: -fvisibility=hidden covers definitions only, and without it each
 * access loads the address first. */
#define HIDDEN		__attribute__((visibility("hidden")))
/* No instruction; keeps gcc from loading a value into one register and returning it in another. */
#define IN_ONE_REGISTER(value)	__asm__("" : "+r"(value))
/* For readers of counters that their owner writes without an atomic. */
#define RACY_READER	__attribute__((no_sanitize("thread")))

#if defined(__has_attribute)
#if __has_attribute(no_stack_protector)
#define NO_STACK_PROTECTOR	__attribute__((no_stack_protector))
#endif
#endif
#ifndef NO_STACK_PROTECTOR
#define NO_STACK_PROTECTOR
#endif

/*
 * Sanitizers keep records of their own for each thread of the C library's: the helper is one there.
 */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define TASK_IS_THREAD	1
#else
#define TASK_IS_THREAD	0
#endif

/*
 * Asks for a line that will be written: it is taken from other processors' caches at once. What
 * GCC makes of __builtin_prefetch without -mprfchw leaves it with them, too; where the processor
 * does not know the instruction it does nothing.
 */
static ALWAYS_INLINE void fetch_to_write(const void *line)
{
#ifdef __x86_64__
	__asm__ volatile("prefetchw %0" : : "m"(*(const char *)line));
#else
	__builtin_prefetch(line, 1);
#endif
}

#define KiB		((size_t)1 << 10)
#define MiB		((size_t)1 << 20)
#define GiB		((size_t)1 << 30)
#define TiB		((size_t)1 << 40)

#define ARRAY_LENGTH(array)	(sizeof(array) / sizeof((array)[0]))

/* alignment: a power of two */
static inline size_t align_up(size_t value, size_t alignment)
{
	return (value + alignment - 1) & ~(alignment - 1);
}

static inline size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

static inline size_t max_size(size_t a, size_t b)
{
	return a > b ? a : b;
}

#endif

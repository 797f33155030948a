/* SPDX-License-Identifier: MIT */
/*
 * override_cxx.c - operator new and operator delete, under their mangled names, without
 * linking a C++ library: if the program has none, nobody can call the throwing ones in
 * earnest. Compiled with -fexceptions, since bad_alloc passes through.
 */
#include <config.h>

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>

#include <hakmem/hakmem.h>

#include "front/aligned.h"
#include "front/free.h"
#include "front/malloc.h"
#include "support/log.h"

typedef void (*new_handler)(void);

/* libstdc++: std::get_new_handler() and std::__throw_bad_alloc(); libc++ has the first. */
new_handler get_new_handler(void) __asm__("_ZSt15get_new_handlerv") __attribute__((weak));
void throw_bad_alloc(void) __asm__("_ZSt17__throw_bad_allocv") __attribute__((weak, noreturn));

static void NORETURN fail_new(size_t size)
{
	if (throw_bad_alloc)
		throw_bad_alloc();
	log_fatal("operator new of %zu bytes: out of memory, and no C++ library to throw bad_alloc",
		  size);
}

/* Runs the program's handler once; false: it has none. */
static bool run_new_handler(void)
{
	new_handler handler = get_new_handler ? get_new_handler() : NULL;

	if (handler)
		handler();
	return handler != NULL;
}

static void *NOINLINE new_slow(size_t size)
{
	void *block;

	while (!(block = malloc_inline(size)))
		if (!run_new_handler())
			fail_new(size);
	return block;
}

static void *NOINLINE new_aligned_slow(size_t size, size_t alignment)
{
	void *block;

	while (!(block = aligned_alloc_slow(alignment, size)))
		if (errno == EINVAL || !run_new_handler())
			fail_new(size);
	return block;
}

static ALWAYS_INLINE void *new_inline(size_t size)
{
	void *block = malloc_inline(size);

	return likely(block != NULL) ? block : new_slow(size);
}

static ALWAYS_INLINE void *new_aligned(size_t size, size_t alignment)
{
	void *block = NULL;

	if (alignment <= BLOCK_ALIGNMENT && aligned_is_power_of_two(alignment))
		return new_inline(size);
	if (likely(alignment > BLOCK_ALIGNMENT && aligned_is_power_of_two(alignment)))
		block = aligned_pop(alignment, size);
	return likely(block != NULL) ? block : new_aligned_slow(size, alignment);
}

/* std::nothrow_t is an empty class passed by reference; std::align_val_t is a size_t. */
#define NEW(mangled)		void *mangled(size_t size)
#define NEW_NOTHROW(mangled)	void *mangled(size_t size, const void *nothrow)
#define NEW_ALIGNED(mangled)	void *mangled(size_t size, size_t alignment)
#define NEW_ALIGNED_NOTHROW(mangled) \
	void *mangled(size_t size, size_t alignment, const void *nothrow)

NEW(_Znwm);
NEW(_Znam);
NEW_NOTHROW(_ZnwmRKSt9nothrow_t);
NEW_NOTHROW(_ZnamRKSt9nothrow_t);
NEW_ALIGNED(_ZnwmSt11align_val_t);
NEW_ALIGNED(_ZnamSt11align_val_t);
NEW_ALIGNED_NOTHROW(_ZnwmSt11align_val_tRKSt9nothrow_t);
NEW_ALIGNED_NOTHROW(_ZnamSt11align_val_tRKSt9nothrow_t);

EXPORT NEW(_Znwm)
{
	return new_inline(size);
}

EXPORT NEW(_Znam)
{
	return new_inline(size);
}

/*
 * A failing nothrow new still runs the program's handler, and returns NULL if the handler
 * throws. C cannot catch; the C++ library's own nothrow new can: it calls our throwing one.
 */
static void *retry_in_library(const char *name, size_t size, const void *nothrow)
{
	void *(*library)(size_t, const void *) =
		(void *(*)(size_t, const void *))dlsym(RTLD_NEXT, name);

	return library ? library(size, nothrow) : NULL;
}

static void *retry_aligned_in_library(const char *name, size_t size, size_t alignment,
				      const void *nothrow)
{
	void *(*library)(size_t, size_t, const void *) =
		(void *(*)(size_t, size_t, const void *))dlsym(RTLD_NEXT, name);

	return library ? library(size, alignment, nothrow) : NULL;
}

static bool has_new_handler(void)
{
	return get_new_handler && get_new_handler();
}

static ALWAYS_INLINE void *new_nothrow(const char *name, size_t size, const void *nothrow)
{
	void *block = malloc_inline(size);

	if (unlikely(!block) && has_new_handler())
		block = retry_in_library(name, size, nothrow);
	return block;
}

static void *new_aligned_nothrow(const char *name, size_t size, size_t alignment,
				 const void *nothrow)
{
	void *block = aligned_alloc_inline(alignment, size);

	if (!block && has_new_handler())
		block = retry_aligned_in_library(name, size, alignment, nothrow);
	return block;
}

EXPORT NEW_NOTHROW(_ZnwmRKSt9nothrow_t)
{
	return new_nothrow("_ZnwmRKSt9nothrow_t", size, nothrow);
}

EXPORT NEW_NOTHROW(_ZnamRKSt9nothrow_t)
{
	return new_nothrow("_ZnamRKSt9nothrow_t", size, nothrow);
}

EXPORT NEW_ALIGNED(_ZnwmSt11align_val_t)
{
	return new_aligned(size, alignment);
}

EXPORT NEW_ALIGNED(_ZnamSt11align_val_t)
{
	return new_aligned(size, alignment);
}

EXPORT NEW_ALIGNED_NOTHROW(_ZnwmSt11align_val_tRKSt9nothrow_t)
{
	return new_aligned_nothrow("_ZnwmSt11align_val_tRKSt9nothrow_t", size, alignment,
				   nothrow);
}

EXPORT NEW_ALIGNED_NOTHROW(_ZnamSt11align_val_tRKSt9nothrow_t)
{
	return new_aligned_nothrow("_ZnamSt11align_val_tRKSt9nothrow_t", size, alignment,
				   nothrow);
}

/* Every operator delete is free(); two are told a size that can be compared. */
#define DELETE(mangled, ...)					\
	void mangled(void *block, ##__VA_ARGS__);		\
	EXPORT void mangled(void *block, ##__VA_ARGS__)		\
	{							\
		free_inline(block);				\
	}

#define DELETE_SIZED(mangled)					\
	void mangled(void *block, size_t size);			\
	EXPORT void mangled(void *block, size_t size)		\
	{							\
		free_sized_inline(block, size);			\
	}

#define UNUSED	__attribute__((unused))

DELETE(_ZdlPv)
DELETE(_ZdaPv)
DELETE_SIZED(_ZdlPvm)
DELETE_SIZED(_ZdaPvm)
DELETE(_ZdlPvRKSt9nothrow_t, UNUSED const void *nothrow)
DELETE(_ZdaPvRKSt9nothrow_t, UNUSED const void *nothrow)
DELETE(_ZdlPvSt11align_val_t, UNUSED size_t alignment)
DELETE(_ZdaPvSt11align_val_t, UNUSED size_t alignment)
DELETE(_ZdlPvmSt11align_val_t, UNUSED size_t size, UNUSED size_t alignment)
DELETE(_ZdaPvmSt11align_val_t, UNUSED size_t size, UNUSED size_t alignment)
DELETE(_ZdlPvSt11align_val_tRKSt9nothrow_t, UNUSED size_t alignment, UNUSED const void *nothrow)
DELETE(_ZdaPvSt11align_val_tRKSt9nothrow_t, UNUSED size_t alignment, UNUSED const void *nothrow)

/* SPDX-License-Identifier: MIT */
/*
 * vm.c - see vm.h. The C library's wrappers are used, and errno put back, so that sanitizers
 * and preloaded test shims see the calls.
 */
#include <config.h>

#include "os/vm.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "os/kernel_abi.h"
#include "os/thread.h"
#include "support/compiler.h"

#define UNMAPPED_LOWEST	((uintptr_t)64 << 40)
#define UNMAPPED_BYTES	((uintptr_t)16 << 40)
#define UNMAPPED_TRIES	4

/* relaxed: counts; a thread compares with itself only */
static _Atomic size_t calls[2];		/* [helper] */
static _Atomic uintptr_t helper_thread;

/* Set before there is a second thread, and before anything is open. */
static bool maps_on_open;

void vm_count_as_helper(void)
{
	atomic_store_explicit(&helper_thread, thread_identity(), memory_order_relaxed);
}

size_t vm_calls_of_application(void)
{
	return atomic_load_explicit(&calls[false], memory_order_relaxed);
}

size_t vm_calls_of_helper(void)
{
	return atomic_load_explicit(&calls[true], memory_order_relaxed);
}

/* Called after each memory system call. */
static int result_of(int failed, int saved_errno)
{
	int error = failed ? -errno : 0;
	bool helper = atomic_load_explicit(&helper_thread, memory_order_relaxed) ==
		      thread_identity();

	atomic_fetch_add_explicit(&calls[helper], 1, memory_order_relaxed);
	errno = saved_errno;
	return error;
}

int vm_reserve(size_t bytes, void **start)
{
	int saved_errno = errno;
	void *mapped = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			    -1, 0);

	*start = mapped;
	return result_of(mapped == MAP_FAILED, saved_errno);
}

/*
 * Below the highest places that the kernel has for programs (47 bits), and above those that it is
 * asked for: V8 asks for any below 64 TiB, sanitizers and Java for low ones.
 */
static void *random_place(unsigned number)
{
	/* The stack is at random too. */
	uint64_t seed = (uintptr_t)__builtin_frame_address(0) + number;
	uint64_t random = (seed ^ seed >> 12) * 0x9e3779b97f4a7c15ull;

	return (void *)(uintptr_t)(UNMAPPED_LOWEST +
				   (random >> 32) % (UNMAPPED_BYTES / VM_HUGE_PAGE_BYTES) *
					   VM_HUGE_PAGE_BYTES);
}

/* Only a page is tried; what lies in the way of the rest is noticed when it is opened. */
int vm_reserve_unmapped(size_t bytes, void **start)
{
	size_t page = vm_page_size();
	int error = -ENOMEM;
	unsigned i;

	for (i = 0; i < UNMAPPED_TRIES && error; i++) {
		*start = random_place(i);
		error = vm_map_again((char *)*start + bytes - page, page);
	}
	maps_on_open = !error;
	return error;
}

size_t vm_address_space_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_AS, &limit) || limit.rlim_cur == RLIM_INFINITY)
		return SIZE_MAX;
	return limit.rlim_cur;
}

int vm_map_wiped_on_fork(void **page)
{
	int saved_errno = errno;
	size_t bytes = vm_page_size();
	void *mapped = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			    0);
	int error;

	*page = NULL;
	if (mapped == MAP_FAILED)
		return result_of(1, saved_errno);
	error = result_of(madvise(mapped, bytes, MADV_WIPEONFORK) != 0, saved_errno);
	if (error)
		munmap(mapped, bytes);
	else
		*page = mapped;
	return error;
}

int vm_open(void *start, size_t bytes)
{
	int saved_errno = errno;

	if (maps_on_open)
		return vm_map_again(start, bytes);
	return result_of(mprotect(start, bytes, PROT_READ | PROT_WRITE) != 0, saved_errno);
}

int vm_drop(void *start, size_t bytes)
{
	int saved_errno = errno, error;

	if (!page_size_divides(start, bytes))
		return -EINVAL;
	error = result_of(madvise(start, bytes, MADV_DONTNEED) != 0, saved_errno);
	/* An mlock()ed range refuses DONTNEED, not DONTNEED_LOCKED. */
	if (error == -EINVAL)
		error = result_of(madvise(start, bytes, MADV_DONTNEED_LOCKED) != 0, saved_errno);
	return error;
}

int vm_cool(void *start, size_t bytes)
{
	int saved_errno = errno;

	return result_of(madvise(start, bytes, MADV_COLD) != 0, saved_errno);
}

int vm_populate(void *start, size_t bytes)
{
	int saved_errno = errno;

	return result_of(madvise(start, bytes, MADV_POPULATE_WRITE) != 0, saved_errno);
}

int vm_guard(void *start, size_t bytes)
{
	int saved_errno = errno;

	if (!page_size_divides(start, bytes))
		return -EINVAL;
	return result_of(madvise(start, bytes, MADV_GUARD_INSTALL) != 0, saved_errno);
}

int vm_unguard(void *start, size_t bytes)
{
	int saved_errno = errno;

	if (!page_size_divides(start, bytes))
		return -EINVAL;
	return result_of(madvise(start, bytes, MADV_GUARD_REMOVE) != 0, saved_errno);
}

int vm_want_huge(void *start, size_t bytes)
{
	int saved_errno = errno;

	return result_of(madvise(start, bytes, MADV_HUGEPAGE) != 0, saved_errno);
}

int vm_refuse_huge(void *start, size_t bytes)
{
	int saved_errno = errno;

	return result_of(madvise(start, bytes, MADV_NOHUGEPAGE) != 0, saved_errno);
}

int vm_move(void *from, void *to, size_t bytes)
{
	int saved_errno = errno;
	void *moved;

	if (!page_size_divides(from, bytes) || !page_size_divides(to, bytes))
		return -EINVAL;
	moved = mremap(from, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, to);
	return result_of(moved == MAP_FAILED, saved_errno);
}

int vm_map_again(void *start, size_t bytes)
{
	int saved_errno = errno, error;
	void *mapped = mmap(start, bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);

	error = result_of(mapped == MAP_FAILED, saved_errno);
	/* Still mapped: the kernel looked before it unmapped. */
	return error == -EEXIST && msync(start, bytes, MS_ASYNC) == 0 ? 0 : error;
}

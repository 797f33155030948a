/* SPDX-License-Identifier: MIT */
/*
 * vm.c - see vm.h.
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
#include "support/system_call.h"

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

/* Of each memory system call: 0 or -errno. */
static int counted(long result)
{
	bool helper = atomic_load_explicit(&helper_thread, memory_order_relaxed) ==
		      thread_identity();

	atomic_fetch_add_explicit(&calls[helper], 1, memory_order_relaxed);
	return system_call_failed(result) ? (int)result : 0;
}

static int advise(void *start, size_t bytes, int advice)
{
	return counted(system_call(SYS_madvise, start, bytes, advice));
}

static long map(void *start, size_t bytes, int protection, int flags)
{
	return system_call(SYS_mmap, start, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | flags,
			   -1, 0ul);
}

int vm_reserve(size_t bytes, void **start)
{
	long mapped = map(NULL, bytes, PROT_NONE, MAP_NORESERVE);

	*start = (void *)mapped;
	return counted(mapped);
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

	if (system_call(SYS_prlimit64, 0, RLIMIT_AS, NULL, &limit) ||
	    limit.rlim_cur == RLIM_INFINITY)
		return SIZE_MAX;
	return limit.rlim_cur;
}

int vm_map_wiped_on_fork(void **start, size_t bytes, int *wipe_error)
{
	long mapped = map(NULL, bytes, PROT_READ | PROT_WRITE, 0);

	*start = NULL;
	if (system_call_failed(mapped))
		return counted(mapped);
	*start = (void *)mapped;
	*wipe_error = advise(*start, bytes, MADV_WIPEONFORK);
	return 0;
}

int vm_open(void *start, size_t bytes)
{
	if (maps_on_open)
		return vm_map_again(start, bytes);
	return vm_allow(start, bytes);
}

int vm_allow(void *start, size_t bytes)
{
	return counted(system_call(SYS_mprotect, start, bytes, PROT_READ | PROT_WRITE));
}

int vm_drop_unlocked(void *start, size_t bytes)
{
	return page_size_divides(start, bytes) ? advise(start, bytes, MADV_DONTNEED) : -EINVAL;
}

int vm_drop(void *start, size_t bytes)
{
	int error = vm_drop_unlocked(start, bytes);

	/* An mlock()ed range refuses DONTNEED, not DONTNEED_LOCKED. */
	if (error == -EINVAL && page_size_divides(start, bytes))
		error = advise(start, bytes, MADV_DONTNEED_LOCKED);
	return error;
}

int vm_cool(void *start, size_t bytes)
{
	return advise(start, bytes, MADV_COLD);
}

int vm_populate(void *start, size_t bytes)
{
	return advise(start, bytes, MADV_POPULATE_WRITE);
}

int vm_guard(void *start, size_t bytes)
{
	if (!page_size_divides(start, bytes))
		return -EINVAL;
	return advise(start, bytes, MADV_GUARD_INSTALL);
}

int vm_unguard(void *start, size_t bytes)
{
	if (!page_size_divides(start, bytes))
		return -EINVAL;
	return advise(start, bytes, MADV_GUARD_REMOVE);
}

int vm_want_huge(void *start, size_t bytes)
{
	return advise(start, bytes, MADV_HUGEPAGE);
}

int vm_refuse_huge(void *start, size_t bytes)
{
	return advise(start, bytes, MADV_NOHUGEPAGE);
}

int vm_move(void *from, void *to, size_t bytes)
{
	if (!page_size_divides(from, bytes) || !page_size_divides(to, bytes))
		return -EINVAL;
	return counted(system_call(SYS_mremap, from, bytes, bytes,
				   MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, to));
}

int vm_map_again(void *start, size_t bytes)
{
	long mapped = map(start, bytes, PROT_READ | PROT_WRITE, MAP_NORESERVE | MAP_FIXED_NOREPLACE);
	int error = counted(mapped);

	/* Before Linux 4.17 the flag is unknown, and the address a wish. */
	if (!error && mapped != (long)start) {
		system_call(SYS_munmap, mapped, bytes);
		error = -EEXIST;
	}
	/* Still mapped: the kernel looked before it unmapped. */
	return error == -EEXIST && system_call(SYS_msync, start, bytes, MS_ASYNC) == 0 ? 0 : error;
}

int vm_map_missing(void *start, size_t bytes)
{
	size_t half = bytes / 2 / page_size() * page_size();
	int error, other_error;

	/* What is the case anyway: the kernel looks whether all of it is mapped, and changes nothing. */
	if (advise(start, bytes, MADV_NORMAL) != -ENOMEM)
		return 0;
	if (vm_map_again(start, bytes) == 0)
		return 0;
	if (!half)
		return -ENOMEM;
	error = vm_map_missing(start, half);
	other_error = vm_map_missing((char *)start + half, bytes - half);
	return error ? error : other_error;
}

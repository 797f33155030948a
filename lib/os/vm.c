/* SPDX-License-Identifier: MIT */
/*
 * vm.c - see vm.h.
 */
#include <config.h>

#include "os/vm.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "os/kernel_abi.h"
#include "os/kernel_version.h"
#include "os/program.h"
#include "os/thread.h"
#include "support/compiler.h"
#include "support/kernel_file.h"
#include "support/system_call.h"

/*
 * From half of the address space on, for an eighth: neither the kernel nor programs put anything
 * there. V8 asks for places below, sanitizers and Java for low ones; programs themselves begin
 * at two thirds, libraries and stacks end where it does.
 */
#define UNMAPPED_FROM	2
#define UNMAPPED_SHARE	8
#define UNMAPPED_TRIES	4
/* a stack that ends so near to the end is not at random */
#define TOP_BYTES	((uintptr_t)1 << 20)

#define STACKS_ARE_SMALL	0x060700u

/* relaxed: counts; a thread compares with itself only */
_Atomic size_t vm_calls[2];		/* [helper] */
static _Atomic uintptr_t helper_thread;

/* Set before there is a second thread, and before anything is open. */
static bool maps_on_open;

void vm_count_as_helper(void)
{
	atomic_store_explicit(&helper_thread, thread_identity(), memory_order_relaxed);
}

size_t vm_calls_of_application(void)
{
	return atomic_load_explicit(&vm_calls[false], memory_order_relaxed);
}

size_t vm_calls_of_helper(void)
{
	return atomic_load_explicit(&vm_calls[true], memory_order_relaxed);
}

/* Of each memory system call: 0 or -errno. */
static int counted(long result)
{
	bool helper = atomic_load_explicit(&helper_thread, memory_order_relaxed) ==
		      thread_identity();

	atomic_fetch_add_explicit(&vm_calls[helper], 1, memory_order_relaxed);
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

/* The kernel's 16 random bytes, at any address, on the stack of main(): near the end of it all. */
static uintptr_t random_bytes(void)
{
	return getauxval(AT_RANDOM);
}

size_t vm_address_space(void)
{
	uintptr_t high = random_bytes() ? random_bytes() : (uintptr_t)__builtin_frame_address(0);

	return (size_t)1 << (64 - __builtin_clzll(high));
}

/* A bijection with avalanche (Steele et al., splitmix). */
static uint64_t mix(uint64_t word)
{
	word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9ull;
	word = (word ^ word >> 27) * 0x94d049bb133111ebull;
	return word ^ word >> 31;
}

/* No system call that a filter could refuse. Who wants no place at random gets none: debuggers. */
static uintptr_t random_place(unsigned number)
{
	size_t space = vm_address_space(), places = space / UNMAPPED_SHARE / ARCH_HUGE_PAGE_BYTES;
	uint64_t words[2] = { (uintptr_t)words, 0 };

	if (random_bytes() && space - random_bytes() < TOP_BYTES)
		words[0] = 0;
	else if (random_bytes())
		memcpy(words, (const void *)random_bytes(), sizeof(words));
	return space / UNMAPPED_FROM +
	       mix(words[0] ^ mix(words[1] + number)) % places * ARCH_HUGE_PAGE_BYTES;
}

#ifdef __SANITIZE_THREAD__
#define ANY_PLACE_IS_SEEN	false	/* the sanitizer knows of a few */
#else
#define ANY_PLACE_IS_SEEN	true
#endif

/* Page by page: the kernel tells only that not all of a range is mapped. */
static bool is_unmapped(const char *start, size_t bytes)
{
	unsigned char unused;
	size_t at;

	for (at = 0; at < bytes; at += vm_page_size())
		if (system_call(SYS_mincore, start + at, vm_page_size(), &unused) != -ENOMEM)
			return false;
	return true;
}

/*
 * Where a sandbox refuses mmap(2), and brk(2) is left as it is to the C library: a page of it, made
 * as large as is wanted on its way. Nobody else's break moves: it is back before anybody looks, but
 * for who calls brk himself in another thread.
 */
static int map_by_break(void *start, size_t bytes)
{
	uintptr_t end = (uintptr_t)system_call(SYS_brk, 0ul);
	uintptr_t page = align_up(end, vm_page_size());
	long moved = -EPERM;

	if (!end || !is_unmapped(start, bytes) ||
	    (uintptr_t)system_call(SYS_brk, page + vm_page_size()) != page + vm_page_size())
		return -EPERM;
	moved = system_call(SYS_mremap, page, vm_page_size(), bytes, MREMAP_MAYMOVE | MREMAP_FIXED,
			    start);
	system_call(SYS_brk, end);
	return counted(moved);
}

/* Before Linux 4.17 the flag is unknown, and start is no more than a wish. */
static int map_here(void *start, size_t bytes, int flags)
{
	long mapped = map(start, bytes, PROT_READ | PROT_WRITE,
			  MAP_NORESERVE | MAP_FIXED_NOREPLACE | flags);

	if (mapped == -EPERM || mapped == -ENOSYS)
		return map_by_break(start, bytes);
	if (system_call_failed(mapped) || mapped == (long)start)
		return counted(mapped);
	system_call(SYS_munmap, mapped, bytes);
	return counted(-EEXIST);
}

/* Only a page is tried; what lies in the way of the rest is noticed when it is opened. */
int vm_reserve_unmapped(size_t bytes, void **start)
{
	int error = -ENOMEM;
	unsigned i;

	for (i = 0; ANY_PLACE_IS_SEEN && i < UNMAPPED_TRIES && error; i++) {
		*start = (void *)random_place(i);
		if (bytes > vm_address_space() - (uintptr_t)*start)
			return -ENOMEM;
		error = map_here(*start, vm_page_size(), 0);
	}
	if (!error)
		system_call(SYS_munmap, *start, vm_page_size());
	maps_on_open = !error;
	return error;
}

static size_t vm_limit_of(int resource)
{
	struct rlimit limit;

	if (system_call(SYS_prlimit64, 0, resource, NULL, &limit) ||
	    limit.rlim_cur == RLIM_INFINITY)
		return SIZE_MAX;
	return limit.rlim_cur;
}

size_t vm_limit(void)
{
	if (program_has_sandboxed_itself())
		return SIZE_MAX;
	return min_size(vm_limit_of(RLIMIT_AS), vm_limit_of(RLIMIT_DATA));
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
		return map_here(start, bytes, 0);
	return vm_allow(start, bytes);
}

/*
 * Since Linux 6.7 a stack is what gets no huge pages: no second call, for which a filter might
 * kill.
 */
int vm_open_small(void *start, size_t bytes)
{
	int error;

	if (maps_on_open && kernel_version() >= STACKS_ARE_SMALL)
		return map_here(start, bytes, MAP_STACK);
	error = vm_open(start, bytes);
	/* A kernel without huge pages refuses the wish; small ones do. */
	if (!error)
		vm_refuse_huge(start, bytes);
	return error;
}

int vm_allow(void *start, size_t bytes)
{
	return counted(system_call(SYS_mprotect, start, bytes, PROT_READ | PROT_WRITE));
}

int vm_drop_unlocked(void *start, size_t bytes)
{
	return page_size_divides(start, bytes) ? advise(start, bytes, MADV_DONTNEED) : -EINVAL;
}

void vm_close(void *start, size_t bytes)
{
	if (maps_on_open)
		counted(system_call(SYS_munmap, start, bytes));
}

/* msync() looks at the mappings, and has nothing else to do with memory of no file. */
bool vm_is_mapped(void *start, size_t bytes)
{
	return system_call(SYS_msync, start, bytes, MS_ASYNC) == 0;
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
	int error = map_here(start, bytes, 0);

	/* Still mapped: the kernel looked before it unmapped. */
	return error == -EEXIST && vm_is_mapped(start, bytes) ? 0 : error;
}

int vm_map_anew(void *start, size_t bytes)
{
	long mapped = map(start, bytes, PROT_READ | PROT_WRITE, MAP_NORESERVE | MAP_FIXED);

	return counted(system_call_failed(mapped) ? mapped : 0);
}

int vm_map_missing(void *start, size_t bytes)
{
	size_t half = bytes / 2 / page_size() * page_size();
	int error, other_error;

	/*
	 * What is the case anyway: the kernel looks whether all of it is mapped, and changes
	 * nothing.
	 */
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

bool vm_has_no_huge_pages(void)
{
	char text[64];

	return kernel_file_read("/sys/kernel/mm/transparent_hugepage/enabled", text,
				sizeof(text)) <= 0 ||
	       strstr(text, "[never]");
}

/* SPDX-License-Identifier: MIT */
/*
 * What it costs a process to ask its filter, in microseconds of processor time of all tasks that
 * take part; and then to write to 16 MiB, page by page, which may have been shared with a copy. For
 * tests/refused/sandboxes:
 *
 *   asking [KERNEL]     under a filter that allows everything; as if the kernel were 5.10, say
 */
#include <config.h>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "sandbox/sandbox.h"

/* As much as a heap has before it wants a helper. */
enum { HEAP_BYTES = 16 << 20, PAGE_BYTES = 4096 };

uint32_t __real_kernel_version(void);
uint32_t __wrap_kernel_version(void);

static uint32_t pretended;

/* The linker puts it in the place of kernel_version. */
uint32_t __wrap_kernel_version(void)
{
	return pretended ? pretended : __real_kernel_version();
}

static long used_us(void)
{
	struct rusage own, others;

	getrusage(RUSAGE_SELF, &own);
	getrusage(RUSAGE_CHILDREN, &others);
	return 1000000 * (own.ru_utime.tv_sec + own.ru_stime.tv_sec + others.ru_utime.tv_sec +
			  others.ru_stime.tv_sec) +
	       own.ru_utime.tv_usec + own.ru_stime.tv_usec + others.ru_utime.tv_usec +
	       others.ru_stime.tv_usec;
}

static void touch(char *heap)
{
	for (size_t at = 0; at < HEAP_BYTES; at += PAGE_BYTES)
		((volatile char *)heap)[at] = 1;
}

/* "5.10" as the kernel writes it. */
static uint32_t version_of(const char *text)
{
	char *rest;
	unsigned long major = strtoul(text, &rest, 10);

	return (uint32_t)(major << 16 | (*rest ? strtoul(rest + 1, NULL, 10) : 0) << 8);
}

int main(int argc, char **argv)
{
	struct sock_filter line = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog filter = { 1, &line };
	char *heap =
		mmap(NULL, HEAP_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long before, again, asked;
	bool was_asked;

	pretended = argc > 1 ? version_of(argv[1]) : 0;
	if (heap == MAP_FAILED)
		return 1;
	madvise(heap, HEAP_BYTES, MADV_NOHUGEPAGE);
	touch(heap);
	before = used_us();
	touch(heap);
	again = used_us() - before;
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter)) {
		puts("skipped: seccomp filters are refused here");
		return 77;
	}
	before = used_us();
	was_asked = sandbox_ask();
	asked = used_us() - before;
	/* What is written again may have to be copied first. */
	touch(heap);
	printf("%ld %ld\n", asked, used_us() - before - again - asked);
	return !was_asked;
}

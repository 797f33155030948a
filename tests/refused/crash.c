/* SPDX-License-Identifier: MIT */
/*
 * crash.c - preloaded before libhakmem_counted.so: crashes are counted beside the calls, for a
 * parent may take that of its child for an answer. A program that writes to the NULL it was given
 * ends with 1, as one that checks does; the library's own touch of such an address, and its abort,
 * count.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "tests/refused/nth_call.h"

#define NULL_BYTES	((uintptr_t)1 << 20)

static bool is_librarys(void *code)
{
	Dl_info found;

	return dladdr(code, &found) && found.dli_fname && strstr(found.dli_fname, "libhakmem");
}

static void *code_of(const ucontext_t *context)
{
#if defined(__x86_64__)
	return (void *)context->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
	return (void *)context->uc_mcontext.pc;
#else
	(void)context;
	return NULL;
#endif
}

static void note(int signal_number, siginfo_t *fault, void *context)
{
	if (signal_number == SIGSEGV && (uintptr_t)fault->si_addr < NULL_BYTES &&
	    !is_librarys(code_of(context)))
		_exit(1);
	nth_call_note_crash();
	/* Again, when this returns, and then by the system. */
	signal(signal_number, SIG_DFL);
}

__attribute__((constructor)) static void watch(void)
{
	struct sigaction action = { .sa_sigaction = note, .sa_flags = SA_SIGINFO };

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	sigaction(SIGILL, &action, NULL);
}

void abort(void)
{
	if (is_librarys(__builtin_return_address(0)))
		nth_call_note_crash();
	signal(SIGABRT, SIG_DFL);
	kill(getpid(), SIGABRT);
	_exit(127);
}

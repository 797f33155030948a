/* SPDX-License-Identifier: MIT */
/*
 * null_used.c - preloaded with nth_call.c: a program that writes to the NULL it was given ends with
 * 1, as one that checks does. The library's own touch of such an address stays a SIGSEGV.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#define NULL_BYTES	((uintptr_t)1 << 20)

static bool is_librarys(const ucontext_t *context)
{
#if defined(__x86_64__)
	void *at = (void *)context->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
	void *at = (void *)context->uc_mcontext.pc;
#else
	void *at = NULL;
#endif
	Dl_info found;

	return dladdr(at, &found) && found.dli_fname && strstr(found.dli_fname, "libhakmem");
}

static void end(int signal_number, siginfo_t *fault, void *context)
{
	if ((uintptr_t)fault->si_addr < NULL_BYTES && !is_librarys(context))
		_exit(1);
	/* Again, when this returns, and then by the system. */
	signal(signal_number, SIG_DFL);
}

__attribute__((constructor)) static void watch(void)
{
	struct sigaction action = { .sa_sigaction = end, .sa_flags = SA_SIGINFO };

	sigaction(SIGSEGV, &action, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * override_exec.c - the names by which a program becomes another, put in front of the C library's:
 * the helper goes first. Left behind, it would keep all memory until it notices, and be a zombie of
 * the other program, which gets a SIGCHLD for it. Safe in signal handlers; in a vfork's child, too,
 * for which it does not go.
 */
#include <config.h>

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include "helper/helper_life.h"
#include "support/compiler.h"
#include "support/system_call.h"

typedef int exec_by_path(const char *path, char *const words[], char *const environment[]);
typedef int exec_by_file(int descriptor, char *const words[], char *const environment[]);
typedef int exec_at(int directory, const char *path, char *const words[],
		    char *const environment[], int flags);

/* Of others who stand behind us, the C library mostly; written by the constructor. */
static exec_by_path *next_execve, *next_execvpe;
static exec_by_file *next_fexecve;
static exec_at *next_execveat;

/* Not when they are called, maybe in a signal handler; but for other libraries' constructors. */
__attribute__((constructor)) static void override_exec_find_next(void)
{
	next_execve = (exec_by_path *)dlsym(RTLD_NEXT, "execve");
	next_execvpe = (exec_by_path *)dlsym(RTLD_NEXT, "execvpe");
	next_fexecve = (exec_by_file *)dlsym(RTLD_NEXT, "fexecve");
	next_execveat = (exec_at *)dlsym(RTLD_NEXT, "execveat");
}

static bool override_exec_begin(void)
{
	bool is_held = helper_life_hold_back();

	if (!next_execve)
		override_exec_find_next();
	return is_held;
}

/* The program goes on: it was refused. */
static int override_exec_fail(bool is_held, int result)
{
	int saved_errno = errno;

	helper_life_let_come(is_held);
	errno = saved_errno;
	return result;
}

EXPORT int execve(const char *path, char *const words[], char *const environment[])
{
	bool is_held = override_exec_begin();

	return override_exec_fail(is_held, next_execve(path, words, environment));
}

EXPORT int execvpe(const char *file, char *const words[], char *const environment[])
{
	bool is_held = override_exec_begin();

	return override_exec_fail(is_held, next_execvpe(file, words, environment));
}

EXPORT int fexecve(int descriptor, char *const words[], char *const environment[])
{
	bool is_held = override_exec_begin();

	return override_exec_fail(is_held, next_fexecve(descriptor, words, environment));
}

#if !HAVE_DECL_EXECVEAT
exec_at execveat;
#endif

EXPORT int execveat(int directory, const char *path, char *const words[],
		    char *const environment[], int flags)
{
	bool is_held = override_exec_begin();
	long result;

	if (next_execveat)
		return override_exec_fail(
			is_held, next_execveat(directory, path, words, environment, flags));
	result = system_call_always(SYS_execveat, directory, path, words, environment, flags);
	return override_exec_fail(is_held, (int)system_call_as_libc(result));
}

EXPORT int execv(const char *path, char *const words[])
{
	return execve(path, words, environ);
}

EXPORT int execvp(const char *file, char *const words[])
{
	return execvpe(file, words, environ);
}

/* Words up to the NULL that ends them, which counts. */
static size_t count_words(const char *first, va_list rest)
{
	size_t count = 1;

	for (; first; first = va_arg(rest, const char *))
		count++;
	return count;
}

/* rest: behind the first of the words, from where it is read twice. */
static int run_listed(exec_by_path *run, const char *path, const char *first, va_list rest,
		      bool has_environment)
{
	char *const *environment = environ;
	va_list again;
	size_t count, i;
	char **words;

	va_copy(again, rest);
	count = count_words(first, again);
	va_end(again);
	/* As long as this call: nothing allocates in a signal handler. */
	words = __builtin_alloca(count * sizeof(*words));
	words[0] = (char *)(uintptr_t)first;
	for (i = 1; i < count; i++)
		words[i] = va_arg(rest, char *);
	if (has_environment)
		environment = va_arg(rest, char *const *);
	return run(path, words, environment);
}

EXPORT int execl(const char *path, const char *first, ...)
{
	va_list rest;
	int result;

	va_start(rest, first);
	result = run_listed(execve, path, first, rest, false);
	va_end(rest);
	return result;
}

EXPORT int execlp(const char *file, const char *first, ...)
{
	va_list rest;
	int result;

	va_start(rest, first);
	result = run_listed(execvpe, file, first, rest, false);
	va_end(rest);
	return result;
}

EXPORT int execle(const char *path, const char *first, ...)
{
	va_list rest;
	int result;

	va_start(rest, first);
	result = run_listed(execve, path, first, rest, true);
	va_end(rest);
	return result;
}

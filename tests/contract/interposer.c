/* SPDX-License-Identifier: MIT */
/*
 * Preloaded beside the library by interposed.c: it stands in the C library's place for what an
 * allocator might call, finds the C library's own only when it is needed, and allocates each time.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

/* A standing clock: nothing that waits for a time to pass would ever see it pass. */
static const struct timespec noon = { .tv_sec = 43200 };

/* By which interposed.c sees that it is there. */
int interposer_calls;

static void use_heap(void)
{
	void *volatile block = malloc(77);

	interposer_calls++;

	free(block);
	block = malloc(200000);
	free(block);
}

/* The type of each function, and its arguments twice: as they come, and as they go. */
#define STAND_FOR(result, name, parameters, arguments)			\
	result name parameters						\
	{								\
		static result (*next) parameters;			\
									\
		use_heap();						\
		if (!next)						\
			next = (result (*) parameters)dlsym(RTLD_NEXT, #name);	\
		return next arguments;					\
	}

STAND_FOR(void *, mmap, (void *start, size_t bytes, int protection, int flags, int file, off_t at),
	  (start, bytes, protection, flags, file, at))
STAND_FOR(int, munmap, (void *start, size_t bytes), (start, bytes))
STAND_FOR(int, mprotect, (void *start, size_t bytes, int protection), (start, bytes, protection))
STAND_FOR(int, madvise, (void *start, size_t bytes, int advice), (start, bytes, advice))
STAND_FOR(int, sched_yield, (void), ())
STAND_FOR(long, sysconf, (int name), (name))
STAND_FOR(ssize_t, read, (int file, void *buffer, size_t bytes), (file, buffer, bytes))
STAND_FOR(ssize_t, write, (int file, const void *buffer, size_t bytes), (file, buffer, bytes))
STAND_FOR(int, close, (int file), (file))
STAND_FOR(char *, getenv, (const char *name), (name))
STAND_FOR(pid_t, getpid, (void), ())
STAND_FOR(int, pthread_key_create, (pthread_key_t *key, void (*end)(void *)), (key, end))
STAND_FOR(int, pthread_setspecific, (pthread_key_t key, const void *value), (key, value))

int open(const char *path, int flags, ...)
{
	use_heap();
	return openat(AT_FDCWD, path, flags, 0600);
}

/* Whatever the arguments are: each is a register. */
long syscall(long number, ...)
{
	static long (*next)(long number, ...);
	long argument[6];
	va_list arguments;

	va_start(arguments, number);
	for (int i = 0; i < 6; i++)
		argument[i] = va_arg(arguments, long);
	va_end(arguments);
	use_heap();
	if (!next)
		next = (long (*)(long number, ...))dlsym(RTLD_NEXT, "syscall");
	return next(number, argument[0], argument[1], argument[2], argument[3], argument[4],
		    argument[5]);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
	(void)clock;
	use_heap();
	*now = noon;
	return 0;
}

int nanosleep(const struct timespec *time, struct timespec *left)
{
	use_heap();
	return clock_nanosleep(CLOCK_MONOTONIC, 0, time, left);
}

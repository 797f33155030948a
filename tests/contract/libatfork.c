/* SPDX-License-Identifier: MIT */
/* See libatfork.h. */
#include "tests/contract/libatfork.h"

#include <dlfcn.h>

pthread_mutex_t libatfork_mutex = PTHREAD_MUTEX_INITIALIZER;
pthread_mutex_t libatfork_last = PTHREAD_MUTEX_INITIALIZER;

static void take(void)
{
	pthread_mutex_lock(&libatfork_mutex);
}

static void put(void)
{
	pthread_mutex_unlock(&libatfork_mutex);
}

static void take_last(void)
{
	pthread_mutex_lock(&libatfork_last);
}

static void put_last(void)
{
	pthread_mutex_unlock(&libatfork_last);
}

__attribute__((constructor)) static void start(void)
{
	void *libc = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
	int (*unseen)(void (*)(void), void (*)(void), void (*)(void), void *) =
		libc ? (__typeof__(unseen))dlsym(libc, "__register_atfork") : NULL;

	if (unseen)
		unseen(take_last, put_last, put_last, NULL);
	pthread_atfork(take, put, put);
}

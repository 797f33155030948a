/* SPDX-License-Identifier: MIT */
/*
 * Threads with names, each with blocks of its own; prints "TID NAME" of each that lives, and waits.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { THREADS = 6 };

static pthread_barrier_t ready;

static void *work(void *argument)
{
	long number = (long)argument;
	char name[16];

	snprintf(name, sizeof(name), "worker-%ld", number);
	pthread_setname_np(pthread_self(), name);
	for (int i = 0; i < 2000; i++)
		memset(malloc(500), 1, 500);
	if (number < THREADS)
		dprintf(STDOUT_FILENO, "%ld %s\n", syscall(SYS_gettid), name);
	pthread_barrier_wait(&ready);
	/* The last ones end, and leave their heaps behind. */
	while (number < THREADS)
		pause();
	return NULL;
}

int main(void)
{
	pthread_t thread;

	pthread_barrier_init(&ready, NULL, THREADS + 2 + 1);
	for (long i = 0; i < THREADS + 2; i++)
		if (pthread_create(&thread, NULL, work, (void *)i) != 0)
			return 1;
	pthread_barrier_wait(&ready);
	dprintf(STDOUT_FILENO, "%ld ready\n", syscall(SYS_gettid));
	for (;;)
		pause();
}

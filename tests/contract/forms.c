/* SPDX-License-Identifier: MIT */
/*
 * A program that is linked with one of the library's forms. Argument: whether its malloc is the
 * library's ("replaced") or the one that it had ("kept"). For the_api_library_replaces_nothing.sh
 * and archives_link_into_static_programs.sh.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hakmem/hakmem.h>

enum { BLOCKS = 20000, BLOCK = 1000, THREADS = 3 };

static void fail(const char *what)
{
	printf("not so: %s\n", what);
	exit(1);
}

typedef void *take_function(size_t size);
typedef void put_function(void *block);

static struct {
	take_function *take;
	put_function *put;
} names[] = { { malloc, free }, { hak_malloc, hak_free } };

static char *blocks[2][BLOCKS];

static void take_blocks(int which)
{
	for (int i = 0; i < BLOCKS; i++) {
		blocks[which][i] = names[which].take(BLOCK);
		if (!blocks[which][i])
			fail("there is memory");
		memset(blocks[which][i], i, BLOCK);
	}
}

static void put_blocks(int which)
{
	for (int i = 0; i < BLOCKS; i++) {
		if (blocks[which][i][BLOCK / 2] != (char)i)
			fail("blocks keep what is in them");
		names[which].put(blocks[which][i]);
	}
}

/* Whether what these names give is counted by the library. */
static int is_counted(int which)
{
	size_t before = hak_stats_read("live.blocks_bytes"), grown;

	take_blocks(which);
	grown = hak_stats_read("live.blocks_bytes") - before;
	put_blocks(which);
	return grown >= (size_t)BLOCKS * BLOCK;
}

static void *work(void *argument)
{
	for (int i = 1; i < BLOCKS; i++) {
		char *mine = malloc((size_t)(i % BLOCK)), *theirs = hak_malloc((size_t)(i % BLOCK));

		mine = realloc(mine, BLOCK);
		memset(mine, 1, BLOCK);
		free(mine);
		hak_free(theirs);
	}
	return argument;
}

static void use_threads(void)
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, work, NULL))
			fail("threads start");
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

static void use_child(void)
{
	pid_t child;
	int status;

	take_blocks(0);
	take_blocks(1);
	child = fork();
	if (child == 0) {
		put_blocks(0);
		put_blocks(1);
		work(NULL);
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || status)
		fail("a child goes on");
	put_blocks(0);
	put_blocks(1);
}

int main(int argc, char **argv)
{
	int replaced = argc > 1 && !strcmp(argv[1], "replaced");

	if (!is_counted(1))
		fail("hak_malloc is the library's");
	if (is_counted(0) != replaced)
		fail(replaced ? "malloc is the library's" : "malloc is the program's");
	if (strcmp(hak_version(), HAK_VERSION))
		fail("the header is the library's");
	use_threads();
	use_child();
	printf("%s\n", hak_version());
	return 0;
}

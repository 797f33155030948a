/* SPDX-License-Identifier: MIT */
/*
 * Does the library live on a machine with several nodes, and on the kernel that it has? Not
 * where pages are: whether blocks are whole, children allocate, and pages arrive as they
 * should on this kernel.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/numa/placement.h"
#include "tests/populate/watch.h"

#define LARGEST	(4u << 20)
#define PARTIAL	(16u << 10)	/* patterns of large blocks need not be whole */

static size_t patterned(size_t size)
{
	return size < PARTIAL ? size : PARTIAL;
}

static void use_every_class(unsigned seed)
{
	char *blocks[512];
	size_t sizes[512];
	size_t count = 0, size, i;

	for (size = 1; size <= LARGEST; size += size / 7 + 1) {
		blocks[count] = malloc(size);
		CHECK(blocks[count]);
		pattern_write(blocks[count], patterned(size), size + seed);
		sizes[count++] = size;
	}
	for (i = 0; i < count; i++) {
		CHECK(pattern_holds(blocks[i], patterned(sizes[i]), sizes[i] + seed));
		free(blocks[i]);
	}
}

static void every_class_is_whole_on_every_node(void)
{
	const struct machine *nodes = machine();
	int i;

	for (i = 0; i < nodes->cpus_count; i++) {
		CHECK(run_on(nodes->with_cpus[i]));
		CHECK(this_node() == nodes->with_cpus[i]);
		use_every_class((unsigned)i);
	}
}

static void *use_on_node(void *node)
{
	unsigned round;

	CHECK(run_on(*(const int *)node));
	for (round = 0; round < 3; round++)
		use_every_class(round);
	return NULL;
}

static void threads_of_all_nodes_share_the_heap(void)
{
	const struct machine *nodes = machine();
	pthread_t threads[NODES_MAX];
	int i;

	for (i = 0; i < nodes->cpus_count; i++)
		CHECK(pthread_create(&threads[i], NULL, use_on_node,
				     (void *)&nodes->with_cpus[i]) == 0);
	for (i = 0; i < nodes->cpus_count; i++)
		pthread_join(threads[i], NULL);
}

static void a_child_allocates_on_every_node(void)
{
	int status;
	pid_t child;

	every_class_is_whole_on_every_node();
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		every_class_is_whole_on_every_node();
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static bool kernel_moves(void)
{
	struct utsname name;
	int major, minor;

	CHECK(uname(&name) == 0 && sscanf(name.release, "%d.%d", &major, &minor) == 2);
	return major > 6 || (major == 6 && minor >= 8);
}

static void pages_arrive_as_this_kernel_can(void)
{
	const char *way = kernel_moves() ? "uffd+move" : "uffd+copy";

	start_helper();
	CHECK_THAT(strncmp(mode(), way, strlen(way)) == 0, "%s expected, this is: %s", way,
		   mode());
}

static const struct contract_case cases[] = {
	CASE(every_class_is_whole_on_every_node),
	CASE(threads_of_all_nodes_share_the_heap),
	CASE(a_child_allocates_on_every_node),
	CASE_WITH(pages_arrive_as_this_kernel_can, "helpers:always"),
};

CONTRACT_MAIN(cases)

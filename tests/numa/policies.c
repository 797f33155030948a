/* SPDX-License-Identifier: MIT */
/*
 * Whose word counts about where pages come from? A memory policy that the process was started
 * with and a cpuset win; where mbind is refused the first touch decides, and that is the
 * thread's, or the helper's where it has gone to the thread's node.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/mempolicy.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"
#include "tests/numa/passing.h"
#include "tests/numa/placement.h"
#include "tests/populate/watch.h"

#define CGROUPS	   "/sys/fs/cgroup"
#define GROWN	   (24 * MIB)
#define OPERATIONS 4000

static void run_part(const char *name, const char *argument, const char *options)
{
	const char *const changes[] = { options, NULL };
	struct child child;

	child_run_case(&child, name, argument, changes);
	CHECK_THAT(child_succeeded(&child), "%s: %s%s", name, child.output, child.errors);
}

/* Of a heap grown by a thread on the node: how many of its pages are on each node. */
static void grow_and_count(int node, size_t pages[NODES_MAX])
{
	struct growth growth = { NULL, 16 * KIB, 0 };
	char *block;

	CHECK(run_on(node));
	growth_add(&growth, GROWN, 2000);
	block = growth.last;
	for (size_t i = 0; i < growth.blocks; i++) {
		for (size_t offset = 0; offset < growth.block_bytes; offset += 4 * KIB) {
			int found = node_of_page(block + offset);

			CHECK(found >= 0);
			pages[found]++;
		}
		memcpy(&block, (void *)block, sizeof(block));
	}
}

static size_t sum(const size_t pages[NODES_MAX])
{
	size_t all = 0;

	for (int i = 0; i < NODES_MAX; i++)
		all += pages[i];
	return all;
}

static int last_node(void)
{
	return machine()->with_memory[machine()->memory_count - 1];
}

static void set_policy(int policy, bool all)
{
	unsigned long mask[NODES_MAX / 64] = { 0 };

	for (int i = 0; i < machine()->memory_count; i++)
		if (all || machine()->with_memory[i] == last_node())
			mask[machine()->with_memory[i] / 64] |= 1ul
								<< machine()->with_memory[i] % 64;
	CHECK(!syscall(SYS_set_mempolicy, policy, mask, (unsigned long)NODES_MAX + 1));
}

/* Threads of the first node get what the last node has. */
static void all_pages_are_on_the_last_node(void)
{
	size_t pages[NODES_MAX] = { 0 };

	grow_and_count(passing_node(0), pages);
	CHECK_THAT(pages[last_node()] * 100 >= sum(pages) * 99, "%zu of %zu pages",
		   pages[last_node()], sum(pages));
}

static void pages_are_on_all_nodes(void)
{
	size_t pages[NODES_MAX] = { 0 };

	grow_and_count(passing_node(0), pages);
	for (int i = 0; i < machine()->memory_count; i++) {
		size_t found = pages[machine()->with_memory[i]];

		CHECK_THAT(found * (size_t)machine()->memory_count * 4 >= sum(pages) * 3,
			   "node %d has %zu of %zu pages", machine()->with_memory[i], found,
			   sum(pages));
	}
}

/* As numactl --membind, --preferred and --interleave do. */
static void a_policy_that_the_process_was_started_with_wins(void)
{
	need_two_nodes();
	set_policy(MPOL_BIND, false);
	run_part("all_pages_are_on_the_last_node", NULL, "HAKMEM_OPTIONS=helpers:always");
	set_policy(MPOL_PREFERRED, false);
	run_part("all_pages_are_on_the_last_node", NULL, "HAKMEM_OPTIONS=helpers:always");
	set_policy(MPOL_INTERLEAVE, true);
	run_part("pages_are_on_all_nodes", NULL, "HAKMEM_OPTIONS=helpers:never,huge_pages:never");
}

static bool write_to(const char *path, const char *text)
{
	int file = open(path, O_WRONLY | O_CLOEXEC);
	bool done = file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text);

	if (file >= 0)
		close(file);
	return done;
}

static void enter_cpuset(int node)
{
	char text[16];

	mkdir(CGROUPS, 0755);
	if (access(CGROUPS "/cgroup.controllers", R_OK) &&
	    mount("cgroup2", CGROUPS, "cgroup2", 0, NULL))
		contract_skip("no cgroup2: %s", strerror(errno));
	if (!write_to(CGROUPS "/cgroup.subtree_control", "+cpuset"))
		contract_skip("no cpusets: %s", strerror(errno));
	mkdir(CGROUPS "/hakmem-test", 0755);
	snprintf(text, sizeof(text), "%d", node);
	CHECK(write_to(CGROUPS "/hakmem-test/cpuset.mems", text));
	CHECK(write_to(CGROUPS "/hakmem-test/cgroup.procs", "0"));
}

static void a_cpuset_of_one_node_is_respected(void)
{
	need_two_nodes();
	if (getuid() != 0)
		contract_skip("only root makes cpusets");
	enter_cpuset(last_node());
	run_part("all_pages_are_on_the_last_node", NULL, "HAKMEM_OPTIONS=helpers:always");
	write_to(CGROUPS "/cgroup.procs", "0");
	rmdir(CGROUPS "/hakmem-test");
}

static void refuse_mbind(void)
{
	/* move_pages stays: it is what we count with. */
	static struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mbind, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	static const struct sock_fprog program = { sizeof(code) / sizeof(*code), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		contract_skip("filters are refused: %s", strerror(errno));
}

static void pages_are_with_their_threads(void)
{
	struct placed_blocks found;

	passing_run(&(struct passing){ .operations = OPERATIONS });
	found = passing_count();
	CHECK_THAT(found.pages.right * 100 >= found.pages.pages * 99, "%zu of %zu pages",
		   found.pages.right, found.pages.pages);
	/* What the helper brings is as good. */
	for (unsigned i = 0; i < (unsigned)machine()->cpus_count; i++) {
		int node = passing_node(i);
		size_t pages[NODES_MAX] = { 0 };

		grow_and_count(node, pages);
		CHECK_THAT(pages[memory_node_of(node)] * 100 >= sum(pages) * 99,
			   "node %d: %zu of %zu pages", node, pages[memory_node_of(node)],
			   sum(pages));
	}
}

static void where_mbind_is_refused_the_first_touch_decides(void)
{
	need_two_nodes();
	for (int i = 0; i < machine()->cpus_count; i++)
		if (memory_node_of(machine()->with_cpus[i]) != machine()->with_cpus[i])
			contract_skip("the kernel knows the nearest, we bind to nothing");
	refuse_mbind();
	run_part("pages_are_with_their_threads", NULL, "HAKMEM_OPTIONS=helpers:never");
	run_part("pages_are_with_their_threads", NULL, "HAKMEM_OPTIONS=helpers:always");
	run_part("pages_are_with_their_threads", NULL, "HAKMEM_OPTIONS=helpers:auto");
}

static const struct contract_case cases[] = {
	CASE(a_policy_that_the_process_was_started_with_wins),
	CASE(a_cpuset_of_one_node_is_respected),
	CASE(where_mbind_is_refused_the_first_touch_decides),
	CASE_PART(all_pages_are_on_the_last_node),
	CASE_PART(pages_are_on_all_nodes),
	CASE_PART(pages_are_with_their_threads),
};

CONTRACT_MAIN(cases)

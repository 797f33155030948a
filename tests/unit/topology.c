/* SPDX-License-Identifier: MIT */
/*
 * What the library makes of a machine's nodes. The machines are folders, written as the
 * kernel writes /sys/devices/system/node, so that they can be as odd as one likes.
 */
#include <config.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/node.h"
#include "os/topology.h"
#include "support/filter_state.h"
#include "tests/unit/unit.h"

static char folder[64];
static struct topology found;

static void __attribute__((format(printf, 2, 3)))
write_file(const char *name, const char *format, ...)
{
	char path[128];
	va_list arguments;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "we");
	ck_assert_ptr_nonnull(file);
	va_start(arguments, format);
	vfprintf(file, format, arguments);
	va_end(arguments);
	fclose(file);
}

static void begin_machine(const char *with_memory, const char *online)
{
	strcpy(folder, "/tmp/topology-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	write_file("has_memory", "%s\n", with_memory);
	write_file("online", "%s\n", online);
	write_file("status", "Name:\tx\nSeccomp:\t0\nMems_allowed_list:\t0-1023\n");
}

static void add_distances(unsigned node, const char *line)
{
	char name[128];

	snprintf(name, sizeof(name), "%s/node%u", folder, node);
	mkdir(name, 0700);
	snprintf(name, sizeof(name), "node%u/distance", node);
	write_file(name, "%s\n", line);
}

static bool read_machine(void)
{
	char status[96], command[96];
	bool several;

	snprintf(status, sizeof(status), "%s/status", folder);
	several = topology_read(&found, folder, status);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	ck_assert_int_eq(system(command), 0);
	return several;
}

START_TEST(one_node_is_one_home)
{
	begin_machine("0", "0");
	ck_assert(!read_machine());
	ck_assert_uint_eq(found.homes, 1);
}
END_TEST

START_TEST(a_machine_that_says_nothing_is_one_home)
{
	strcpy(folder, "/nowhere");
	ck_assert(!topology_read(&found, folder, "/nowhere/status"));
	ck_assert_uint_eq(found.homes, 1);
}
END_TEST

START_TEST(nonsense_is_one_home)
{
	begin_machine("none of them", "0-");
	ck_assert(!read_machine());
	begin_machine("4-2", "9999999999");
	ck_assert(!read_machine());
	ck_assert_uint_eq(found.homes, 1);
}
END_TEST

START_TEST(every_node_with_memory_is_its_own_home)
{
	static const unsigned sizes[] = { 2, 4, 64 };
	unsigned i, node;
	char list[16];

	for (i = 0; i < 3; i++) {
		snprintf(list, sizeof(list), "0-%u", sizes[i] - 1);
		begin_machine(list, list);
		ck_assert(read_machine());
		ck_assert(found.binds);
		ck_assert_uint_eq(found.homes, sizes[i]);
		for (node = 0; node < sizes[i]; node++) {
			ck_assert_uint_eq(found.home_of_node[node], node);
			ck_assert_uint_eq(found.node_of_home[node], node);
		}
	}
}
END_TEST

START_TEST(numbers_with_gaps_are_homes_without)
{
	begin_machine("0,8,250-251", "0,8,250-251");
	ck_assert(read_machine());
	ck_assert_uint_eq(found.homes, 4);
	ck_assert_uint_eq(found.node_of_home[1], 8);
	ck_assert_uint_eq(found.node_of_home[3], 251);
	ck_assert_uint_eq(found.home_of_node[8], 1);
	ck_assert_uint_eq(found.home_of_node[251], 3);
}
END_TEST

START_TEST(a_node_without_memory_has_the_nearest_for_its_home)
{
	/* 1 and 4 have CPUs only; 1's nearest is 3, 4's is 0 */
	begin_machine("0,2-3", "0-4");
	add_distances(1, "20 10 30 15 12");
	add_distances(4, "11 12 30 40 10");
	ck_assert(read_machine());
	ck_assert_uint_eq(found.homes, 3);
	ck_assert_uint_eq(found.node_of_home[found.home_of_node[1]], 3);
	ck_assert_uint_eq(found.node_of_home[found.home_of_node[4]], 0);
}
END_TEST

START_TEST(distances_cut_short_leave_some_home)
{
	begin_machine("0,2", "0-2");
	add_distances(1, "");
	ck_assert(read_machine());
	ck_assert_uint_lt(found.home_of_node[1], found.homes);
}
END_TEST

START_TEST(nodes_that_a_cpuset_denies_are_no_homes)
{
	begin_machine("0-3", "0-3");
	write_file("status", "Seccomp:\t0\nMems_allowed:\tc\nMems_allowed_list:\t2-3\n");
	add_distances(0, "10 20 30 40");
	add_distances(1, "20 10 40 30");
	ck_assert(read_machine());
	ck_assert_uint_eq(found.homes, 2);
	ck_assert_uint_eq(found.node_of_home[0], 2);
	ck_assert_uint_eq(found.home_of_node[0], 0);
	ck_assert_uint_eq(found.home_of_node[1], 1);
	ck_assert_uint_eq(found.home_of_node[3], 1);
}
END_TEST

START_TEST(a_cpuset_of_one_node_is_one_home)
{
	begin_machine("0-3", "0-3");
	write_file("status", "Mems_allowed_list:\t1\n");
	ck_assert(!read_machine());
	ck_assert_uint_eq(found.homes, 1);
	ck_assert_uint_eq(found.node_of_home[0], 1);
}
END_TEST

START_TEST(under_a_filter_nothing_is_bound)
{
	begin_machine("0-1", "0-1");
	write_file("status", "Seccomp:\t2\nMems_allowed_list:\t0-1\n");
	ck_assert(read_machine());
	ck_assert(!found.binds);
}
END_TEST

/* A link to itself: it is there, and cannot be opened. */
START_TEST(where_the_kernel_does_not_say_it_there_is_a_filter)
{
	char path[96];

	begin_machine("0-1", "0-1");
	snprintf(path, sizeof(path), "%s/status", folder);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(symlink("status", path), 0);
	ck_assert(read_machine());
	ck_assert(!found.binds);
}
END_TEST

START_TEST(a_cut_off_status_tells_of_a_filter_and_a_whole_one_of_none)
{
	const char text[] = "Name:\tx\nGroups:\t1 2 3";

	ck_assert(filter_state_is_told(text, sizeof(text) - 1, sizeof(text)));
	ck_assert(!filter_state_is_told(text, sizeof(text) - 1, sizeof(text) + 1));
	ck_assert(filter_state_is_told("", -EACCES, 1));
}
END_TEST

START_TEST(more_nodes_than_homes_all_have_one)
{
	unsigned node;

	begin_machine("0-127", "0-127");
	ck_assert(read_machine());
	ck_assert_uint_eq(found.homes, TOPOLOGY_HOMES_MAX);
	for (node = 0; node < TOPOLOGY_NODES_MAX; node++)
		ck_assert_uint_lt(found.home_of_node[node], found.homes);
}
END_TEST

START_TEST(this_thread_is_on_a_node_of_this_machine)
{
	node_init();
	ck_assert_uint_lt(node_current(), TOPOLOGY_NODES_MAX);
	ck_assert_uint_lt(node_home(), topology.homes);
}
END_TEST

int main(void)
{
	TCase *tcase = unit_begin("topology");

	tcase_add_test(tcase, one_node_is_one_home);
	tcase_add_test(tcase, a_machine_that_says_nothing_is_one_home);
	tcase_add_test(tcase, nonsense_is_one_home);
	tcase_add_test(tcase, every_node_with_memory_is_its_own_home);
	tcase_add_test(tcase, numbers_with_gaps_are_homes_without);
	tcase_add_test(tcase, a_node_without_memory_has_the_nearest_for_its_home);
	tcase_add_test(tcase, distances_cut_short_leave_some_home);
	tcase_add_test(tcase, nodes_that_a_cpuset_denies_are_no_homes);
	tcase_add_test(tcase, a_cpuset_of_one_node_is_one_home);
	tcase_add_test(tcase, under_a_filter_nothing_is_bound);
	tcase_add_test(tcase, where_the_kernel_does_not_say_it_there_is_a_filter);
	tcase_add_test(tcase, a_cut_off_status_tells_of_a_filter_and_a_whole_one_of_none);
	tcase_add_test(tcase, more_nodes_than_homes_all_have_one);
	tcase_add_test(tcase, this_thread_is_on_a_node_of_this_machine);
	return unit_end();
}

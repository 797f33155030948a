/* SPDX-License-Identifier: MIT */
/*
 * place.c - where is the socket put, when is there none, and is it gone when the process is?
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"
#include "tests/control/client.h"

static char folder[64];

static void make_folder(void)
{
	strcpy(folder, "/tmp/hakmem-test-XXXXXX");
	CHECK(mkdtemp(folder));
}

/* Says where the socket is, or why it is nowhere. */
static void part_say(void)
{
	for (int ms = 0; ms < 2000 && !snapshot()->socket[0] &&
			 strstr(snapshot()->why_no_socket, "has not started");
	     ms += 5) {
		for (size_t i = 1; i < 100; i++)
			free(malloc(i * 80));
		usleep(5000);
	}
	if (snapshot()->socket[0]) {
		struct stat status;

		CHECK(!stat(snapshot()->socket, &status));
		CHECK(S_ISSOCK(status.st_mode) && (status.st_mode & 07777) == 0600);
	}
	printf("%s%s\n", snapshot()->socket[0] ? "at " : "none: ",
	       snapshot()->socket[0] ? snapshot()->socket : snapshot()->why_no_socket);
}

static void say(struct child *child, const char *options, const char *where)
{
	char variable[128], place[128];

	snprintf(variable, sizeof(variable), "HAKMEM_OPTIONS=%s", options);
	snprintf(place, sizeof(place), "HAKMEM_CONTROL_DIR=%s", where);
	child_run_case(child, "part_say", NULL, (const char *const[]){ variable, place, NULL });
	CHECK_THAT(child_succeeded(child), "%s", child->errors);
}

static void the_socket_is_where_it_was_wanted_and_gone_afterwards(void)
{
	static struct child child;
	char start[80], path[160];
	struct stat status;

	skip_under_filter("the socket is left over");
	make_folder();
	snprintf(path, sizeof(path), "%s/deep", folder);
	say(&child, "control:always,helpers:always", path);
	snprintf(start, sizeof(start), "at %s/deep/", folder);
	CHECK_THAT(!strncmp(child.output, start, strlen(start)), "%s", child.output);
	CHECK(!stat(path, &status) && (status.st_mode & 07777) == 0700);
	child.output[strcspn(child.output, "\n")] = '\0';
	CHECK_THAT(access(child.output + 3, F_OK), "%s is still there", child.output + 3);
	CHECK_THAT(!rmdir(path), "something is left in %s", path);
	snprintf(path, sizeof(path), "control:%s,helpers:always", folder);
	say(&child, path, "/nowhere");
	CHECK_THAT(!strncmp(child.output + 3, folder, strlen(folder)), "%s", child.output);
	rmdir(folder);
}

static void leftovers_of_the_dead_are_removed(void)
{
	static struct child child;
	char stale[160], other[160];

	skip_under_filter("the socket is left over");
	make_folder();
	/* Above what a PID can be; a socket that nobody listens at would do the same. */
	snprintf(stale, sizeof(stale), "python3 -c \"import socket; s = socket.socket("
		 "socket.AF_UNIX, socket.SOCK_SEQPACKET); s.bind('%s/999999999.1.sock')\"",
		 folder);
	if (system(stale))
		contract_skip("no python3 to make a socket with");
	snprintf(other, sizeof(other), "%s/notes", folder);
	close(open(other, O_CREAT | O_WRONLY, 0600));
	say(&child, "control:always,helpers:always", folder);
	snprintf(stale, sizeof(stale), "%s/999999999.1.sock", folder);
	CHECK_THAT(access(stale, F_OK), "it is still there");
	CHECK(!unlink(other) && !rmdir(folder));
}

static void expect_none(const char *options, const char *where, const char *why)
{
	static struct child child;

	say(&child, options, where);
	if (strstr(child.output, "no descriptor table") ||
	    strstr(child.output, "its helper has not started"))
		contract_skip("there is no socket anywhere: %s", child.output);
	CHECK_THAT(!strncmp(child.output, "none: ", 6) && strstr(child.output, why),
		   "%s: %s", where, child.output);
}

static void a_folder_that_others_could_meddle_with_is_refused(void)
{
	char link[128];

	make_folder();
	snprintf(link, sizeof(link), "%s.link", folder);
	CHECK(!symlink(folder, link));
	expect_none("control:always,helpers:always", link, "symbolic link");
	CHECK(!unlink(link));
	CHECK(!chmod(folder, 0755));
	expect_none("control:always,helpers:always", folder, "0700");
	CHECK(!chmod(folder, 0700));
	if (geteuid() == 0) {
		CHECK(!chown(folder, 65534, 65534));
		expect_none("control:always,helpers:always", folder, "another user");
	}
	expect_none("control:always,helpers:always", "/nowhere/at/all", "not there");
	CHECK(!rmdir(folder));
}

static void who_wants_no_socket_has_none(void)
{
	make_folder();
	expect_none("control:off,helpers:always", folder, "control:off");
	expect_none("control:always,helpers:never", folder, "not started");
	CHECK_THAT(!rmdir(folder), "something was put there");
}

static const struct contract_case cases[] = {
	CASE_PART(part_say),
	CASE(the_socket_is_where_it_was_wanted_and_gone_afterwards),
	CASE(leftovers_of_the_dead_are_removed),
	CASE(a_folder_that_others_could_meddle_with_is_refused),
	CASE(who_wants_no_socket_has_none),
};

CONTRACT_MAIN(cases)

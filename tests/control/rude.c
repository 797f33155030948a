/* SPDX-License-Identifier: MIT */
/*
 * rude.c - what do clients that misbehave, and programs in trouble, cost the others?
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"
#include "tests/control/client.h"
#include "tests/populate/watch.h"

static void a_fifth_client_is_told_so_and_an_idle_one_gives_way(void)
{
	char heard[CONTROL_REPLY_BYTES] __attribute__((aligned(8)));
	int clients[CONTROL_CLIENTS], fifth;

	for (int i = 0; i < CONTROL_CLIENTS; i++) {
		clients[i] = client_open();
		CHECK(client_stats(clients[i]).taken_ns);
	}
	fifth = client_open();
	CHECK(client_hear(fifth, heard));
	CHECK(((struct control_error *)(heard + sizeof(struct control_head)))->code ==
	      CONTROL_BUSY);
	CHECK(!client_hear(fifth, heard));
	usleep(CONTROL_TIMEOUT_MS * 1000 + 200000);
	CHECK(client_stats(clients[1]).taken_ns);
	fifth = client_open();
	CHECK(client_stats(fifth).taken_ns);
	/* The first one was idle the longest. */
	CHECK(!client_hear(clients[0], heard));
	CHECK(client_stats(clients[1]).taken_ns);
}

static void a_client_that_never_reads_is_closed_and_others_are_served(void)
{
	struct control_head head = { .magic = CONTROL_MAGIC, .version = CONTROL_VERSION,
				     .kind = CONTROL_LIST, .bytes = sizeof(head) };
	int rude = client_open(), other = client_open();
	time_t end = time(NULL) + 15;
	ssize_t sent = 0;

	while (time(NULL) < end) {
		sent = send(rude, &head, sizeof(head), MSG_DONTWAIT | MSG_NOSIGNAL);
		CHECK(client_stats(other).taken_ns);
		if (sent < 0 && errno == EPIPE)
			break;
		if (sent < 0)
			usleep(50000);
	}
	CHECK_THAT(sent < 0 && errno == EPIPE, "it is still connected");
	CHECK(client_stats(other).taken_ns);
}

static void *spin(void *argument)
{
	for (;;)
		__asm__ volatile("");
	return argument;
}

static void a_program_whose_threads_all_spin_is_answered(void)
{
	long threads = 2 * sysconf(_SC_NPROCESSORS_ONLN);
	int client = client_open();
	pthread_t thread;

	while (threads--)
		start_thread(&thread, NULL, spin, NULL);
	for (int i = 0; i < 10; i++)
		CHECK(client_stats(client).taken_ns);
}

static void closing_all_descriptors_closes_no_socket(void)
{
	socket_path();
	for (int descriptor = 3; descriptor < 4096; descriptor++)
		close(descriptor);
	CHECK(client_stats(client_open()).taken_ns);
}

static void another_user_is_told_no(void)
{
	char heard[CONTROL_REPLY_BYTES] __attribute__((aligned(8)));
	char path[120], folder[120];
	pid_t child;
	int status;

	if (geteuid() != 0)
		contract_skip("only root can be another user");
	/* A copy: what the library says of itself is about the child soon. */
	strcpy(path, socket_path());
	/* Doors that are shut: other users do not even get so far. */
	strcpy(folder, path);
	*strrchr(folder, '/') = '\0';
	CHECK(!chmod(folder, 0711) && !chmod(path, 0666));
	child = fork();
	if (!child) {
		int client;

		CHECK(!setgid(65534) && !setuid(65534));
		client = client_connect(path);
		CHECK_THAT(client >= 0, "%s: %s", path, strerror(errno));
		CHECK(client_hear(client, heard));
		CHECK(((struct control_error *)(heard + sizeof(struct control_head)))->code ==
		      CONTROL_NOT_ALLOWED);
		CHECK(!client_hear(client, heard));
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(!chmod(folder, 0700) && !chmod(path, 0600));
	CHECK(status == 0);
	CHECK(client_stats(client_open()).taken_ns);
}

static void a_childs_socket_is_its_own(void)
{
	char parents[120], own[24];
	pid_t child;
	int status;

	strcpy(parents, socket_path());
	need_helper_running();
	child = fork();
	if (!child) {
		CHECK(client_stats(client_open()).taken_ns);
		CHECK(strcmp(parents, socket_path()) != 0);
		exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	CHECK_THAT(!access(parents, F_OK), "the child took its parent's socket away");
	snprintf(own, sizeof(own), "/%d.", (int)getpid());
	CHECK(strstr(parents, own));
	CHECK(client_stats(client_open()).taken_ns);
}

static void a_stopped_program_is_read_from_outside(void)
{
	struct control_snapshot copy;
	const struct control_snapshot *place = snapshot();
	struct iovec to = { &copy, sizeof(copy) }, from = { (void *)place, sizeof(copy) };
	pid_t child;
	int status;

	need_helper_running();
	child = fork();
	if (!child) {
		client_open();
		CHECK(malloc(5 << 20));
		usleep(700000);
		raise(SIGSTOP);
		exit(0);
	}
	CHECK(waitpid(child, &status, WUNTRACED) == child);
	CHECK_THAT(WIFSTOPPED(status), "the child ended with %d", status);
	CHECK(process_vm_readv(child, &to, 1, &from, 1, 0) == (ssize_t)sizeof(copy));
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	CHECK(copy.magic == CONTROL_MAGIC && copy.version == CONTROL_VERSION);
	CHECK(copy.bytes == sizeof(copy) && copy.ledger_bytes == sizeof(copy.ledger));
	CHECK(copy.sequence && copy.sequence % 2 == 0 && copy.pid == (uint32_t)child);
	CHECK(copy.ledger.large_live_bytes >= 5 << 20);
	CHECK(copy.class_count > 80 && copy.classes[3].size_bytes == 64);
	unlink(copy.socket);
}

static bool helper_is_there(void)
{
	return helper_task() != 0;
}

/* By a child, which may trace its parent: until the parent writes, or ends. */
static int hold_up(pid_t thread, int told, int tell)
{
	char word = 'h';

	if (ptrace(PTRACE_SEIZE, thread, NULL, NULL) ||
	    ptrace(PTRACE_INTERRUPT, thread, NULL, NULL))
		return 77;
	if (waitpid(thread, NULL, __WALL) != thread || write(tell, &word, 1) != 1)
		return 1;
	return read(told, &word, 1) != 1;
}

/* A child that holds it up, from here to hold_end. */
struct hold {
	pid_t child;
	int to_child, from_child;
};

/* False: it may not; hold_end tells why. */
static bool hold_begin(struct hold *hold, pid_t thread)
{
	int to_child[2], from_child[2];
	char word;

	CHECK(!pipe(to_child) && !pipe(from_child));
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	hold->child = fork();
	if (!hold->child) {
		close(to_child[1]);
		close(from_child[0]);
		_exit(hold_up(thread, to_child[0], from_child[1]));
	}
	close(to_child[0]);
	close(from_child[1]);
	hold->to_child = to_child[1];
	hold->from_child = from_child[0];
	return read(hold->from_child, &word, 1) == 1;
}

static void hold_end(struct hold *hold)
{
	char word = 'h';
	int status;

	CHECK(write(hold->to_child, &word, 1) == 1 || errno == EPIPE);
	CHECK(waitpid(hold->child, &status, 0) == hold->child && WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		contract_skip("ptrace(2) is not allowed");
	CHECK(WEXITSTATUS(status) == 0);
}

/* As when it is busy, or has no processor. */
static void a_helper_that_is_held_up_holds_up_no_answer(void)
{
	int client = client_open();
	struct hold hold;

	need_helper_running();
	CHECK(wait_for(helper_is_there, 5000));
	if (hold_begin(&hold, helper_task()))
		for (int i = 0; i < 20; i++)
			CHECK(client_stats(client).taken_ns);
	hold_end(&hold);
}

/* ---- what may not spin: processor time of the helper and its threads, in ticks of 10 ms */

enum { WATCHED_S = 1, SPINNING_TICKS = 20 };

static unsigned long helper_ticks(pid_t helper)
{
	unsigned long user, kernel;
	char path[64], text[512], *after_name;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)helper);
	file = fopen(path, "r");
	CHECK_THAT(file && fgets(text, sizeof(text), file), "%s: %s", path, strerror(errno));
	fclose(file);
	after_name = strrchr(text, ')');
	CHECK(after_name &&
	      sscanf(after_name, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
		     &kernel) == 2);
	return user + kernel;
}

static void expect_few_ticks(pid_t helper, unsigned long before, const char *when)
{
	unsigned long ticks = helper_ticks(helper) - before;

	CHECK_THAT(ticks < SPINNING_TICKS, "%lu ticks in %d s: %s", ticks, WATCHED_S, when);
}

/* As when it began where the program had hardly any descriptors left. */
static void clients_that_cannot_be_accepted_make_nobody_spin(void)
{
	int clients[CONTROL_CLIENTS - 1], first = client_open();
	struct rlimit few, as_before;
	unsigned long ticks;
	pid_t helper;

	need_helper_running();
	CHECK(wait_for(helper_is_there, 5000));
	helper = helper_task();
	if (prlimit(helper, RLIMIT_NOFILE, NULL, &as_before))
		contract_skip("prlimit(2) of another process is not allowed");
	few = (struct rlimit){ 3, as_before.rlim_max };
	CHECK(!prlimit(helper, RLIMIT_NOFILE, &few, NULL));
	close(first);
	for (int i = 0; i < CONTROL_CLIENTS - 1; i++)
		clients[i] = client_open();
	ticks = helper_ticks(helper);
	usleep(WATCHED_S * 1000000);
	expect_few_ticks(helper, ticks, "nobody can be accepted");
	CHECK(!prlimit(helper, RLIMIT_NOFILE, &as_before, NULL));
	for (int i = 0; i < CONTROL_CLIENTS - 1; i++)
		CHECK(client_stats(clients[i]).taken_ns);
}

/* A second request behind a purge that goes on, and a client that does not wait for its end. */
static void what_comes_during_a_purge_makes_nobody_spin(void)
{
	struct control_purge purge = { .flags = CONTROL_PURGE_WAIT, .timeout_ms = 60000 };
	int impatient = client_open(), leaving = client_open();
	unsigned long ticks;
	struct hold hold;

	need_helper_running();
	CHECK(wait_for(helper_is_there, 5000));
	if (hold_begin(&hold, helper_task())) {
		client_ask(impatient, CONTROL_PURGE, &purge, sizeof(purge));
		client_ask(impatient, CONTROL_STATS, NULL, 0);
		client_ask(leaving, CONTROL_PURGE, &purge, sizeof(purge));
		close(leaving);
		ticks = helper_ticks(helper_task());
		usleep(WATCHED_S * 1000000);
		expect_few_ticks(helper_task(), ticks, "a purge goes on");
	}
	hold_end(&hold);
	CHECK(client_stats(client_open()).taken_ns);
}

static const struct contract_case cases[] = {
	CASE_WITH(a_fifth_client_is_told_so_and_an_idle_one_gives_way,
		  "control:always,helpers:always"),
	CASE_WITH(a_client_that_never_reads_is_closed_and_others_are_served,
		  "control:always,helpers:always"),
	CASE_WITH(a_program_whose_threads_all_spin_is_answered, "control:always,helpers:always"),
	CASE_WITH(a_helper_that_is_held_up_holds_up_no_answer, "control:always,helpers:always"),
	CASE_WITH(clients_that_cannot_be_accepted_make_nobody_spin,
		  "control:always,helpers:always"),
	CASE_WITH(what_comes_during_a_purge_makes_nobody_spin, "control:always,helpers:always"),
	CASE_WITH(closing_all_descriptors_closes_no_socket, "control:always,helpers:always"),
	CASE_WITH(another_user_is_told_no, "control:always,helpers:always"),
	CASE_WITH(a_childs_socket_is_its_own, "control:always,helpers:always"),
	CASE_WITH(a_stopped_program_is_read_from_outside, "control:always,helpers:always"),
};

CONTRACT_MAIN(cases)

/* SPDX-License-Identifier: MIT */
/* See target.h. Puts together what process.c, control_socket.c and snapshot.c know. */
#include <config.h>

#include "hakctl/client/target.h"

#include <ctype.h>
#include <errno.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hakctl/client/control_socket.h"
#include "hakctl/output/message.h"
#include "hakctl/client/outside.h"
#include "hakctl/client/remedy.h"
#include "hakctl/client/roll_call.h"
#include "hakctl/client/rung.h"
#include "hakctl/client/snapshot.h"

/* As the library has it before a helper has said anything else. */
#define NO_HELPER "its helper has not started"

enum { MOST_RUNGS = 64 };

const char *target_label(const struct target *target)
{
	static char label[96];

	snprintf(label, sizeof(label), "%d (%s)", (int)target->process.pid,
		 target->process.name);
	return label;
}

static struct target *add(struct target_list *list, const struct process *process)
{
	if (list->count == list->room) {
		list->room = list->room ? 2 * list->room : 8;
		list->targets =
			realloc(list->targets, list->room * sizeof(*list->targets));
		if (!list->targets)
			message_out_of_memory();
	}
	list->targets[list->count] = (struct target){ .process = *process };
	return &list->targets[list->count++];
}

void target_list_join(struct target_list *list, struct target_list *more)
{
	for (size_t i = 0; i < more->count; i++)
		*add(list, &more->targets[i].process) = more->targets[i];
	target_list_free(more);
}

void target_list_free(struct target_list *list)
{
	free(list->targets);
	*list = (struct target_list){ .targets = NULL };
}

static bool is_silent(const struct target *target, struct failure *failure)
{
	if (target->state == TARGET_STOPPED)
		return failure_set(
			failure, EXIT_REFUSED,
			"is stopped, by a signal or a debugger; `kill -CONT %d` "
			"lets it go on",
			(int)target->process.pid);
	return failure_set(failure, EXIT_REFUSED, "cannot be asked: %s", target->reason);
}

/*
 * Of a static program the helper has no library either by which it could be known. Of one that has
 * given up root's rights its new user may see no more than that the helper is its child.
 */
static bool is_its_helper(const struct target *target, pid_t peer)
{
	const struct process *process = &target->process;
	struct process helper;

	if (process_program_of(peer) == process->pid)
		return true;
	if (target->has_library)
		return false;
	if (syscall(SYS_kcmp, peer, process->pid, KCMP_VM, 0, 0) == 0)
		return true;
	return errno == EPERM && process_read(&helper, peer) && helper.parent == process->pid &&
	       (helper.user == process->user || helper.user == 0);
}

bool target_connect(const struct target *target, struct connection *connection,
		    struct failure *failure)
{
	if (target->state != TARGET_READY)
		return is_silent(target, failure);
	if (target->is_mute)
		return connection_is_late(failure);
	if (!roll_call_take(target, connection) &&
	    !connection_open(connection, target->socket, failure))
		return false;
	if (target->process.state == '?' ||
	    is_its_helper(target, connection->peer))
		return true;
	connection_close(connection);
	return failure_set(failure, EXIT_REFUSED, "its socket %s is served by process %d",
			   target->socket, (int)connection->peer);
}

bool target_is_there(struct target *target)
{
	struct process now;

	if (target->process.state == '?')
		return true;
	if (!process_read(&now, target->process.pid) || process_is_dead(&now) ||
	    now.start_time != target->process.start_time)
		return false;
	target->process = now;
	if (target->state != TARGET_SILENT)
		target->state = process_is_stopped(&now) ? TARGET_STOPPED : TARGET_READY;
	return true;
}

static void give_reason(struct target *target, const char *reason)
{
	target->state = TARGET_SILENT;
	snprintf(target->reason, sizeof(target->reason), "%s", reason);
}

/* The options say so, unless the library itself has said why (see ask_snapshot). */
static bool control_is_off(const struct process *process)
{
	char options[4096];

	return process_environment(process, "HAKMEM_OPTIONS", options, sizeof(options)) &&
	       strstr(options, "control:off");
}

/* The library knows best; a path in a folder that the environment does not tell, too. */
static bool ask_snapshot(struct target *target)
{
	static struct control_snapshot snapshot;
	struct failure unused;
	struct stat status;
	char root[64] = "";

	if (!snapshot_read(&target->process, &target->library, &snapshot, &unused))
		return false;
	if (process_has_other_root(&target->process))
		snprintf(root, sizeof(root), "/proc/%d/root", (int)target->process.pid);
	if (snapshot.socket[0] == '/') {
		snprintf(target->socket, sizeof(target->socket), "%s%s", root,
			 snapshot.socket);
		errno = 0;
		if (lstat(target->socket, &status) == 0 && S_ISSOCK(status.st_mode)) {
			target->state = TARGET_READY;
			return true;
		}
		target->socket[0] = '\0';
		give_reason(target,
			    errno == EACCES ?
				    "its socket is in a directory that only its user may enter" :
				    "its socket has been removed from its directory");
		return true;
	}
	if (!snapshot.why_no_socket[0] || !strcmp(snapshot.why_no_socket, NO_HELPER))
		return false;
	give_reason(target, snapshot.why_no_socket);
	return true;
}

/* In the library's own words, and with the line that mends it. */
static bool ask_rungs(struct target *target)
{
	char reason[sizeof(target->reason)];
	struct control_rung rungs[MOST_RUNGS], *helper;
	struct outside outside;
	struct failure unused;
	size_t count = 0;

	if (outside_open(&outside, &target->process, &target->library, &unused))
		count = outside_rungs(&outside, rungs, MOST_RUNGS);
	helper = rung_without_helper(rungs, count);
	if (!helper)
		return false;
	snprintf(reason, sizeof(reason), "no helper: %s; %s",
		 helper->cause[0] ? helper->cause : "its heap is small",
		 remedy_line(helper, &target->process));
	give_reason(target, reason);
	return true;
}

/* Where its memory may not be read: what /proc says. */
static void guess_reason(struct target *target)
{
	const struct process *process = &target->process;
	char options[4096];

	if (process_environment(process, "HAKMEM_OPTIONS", options, sizeof(options)) &&
	    strstr(options, "helpers:never"))
		give_reason(target, "no helper: helpers:never is in its HAKMEM_OPTIONS");
	else if (process_is_filtered(process))
		give_reason(target,
			    "a seccomp filter is in force in it; `hakctl doctor PID` as root "
			    "says what it lacks");
	else if (!process_helper_of(process))
		give_reason(target, "its helper has not started yet; control:always in "
				    "HAKMEM_OPTIONS starts it at once");
	else
		give_reason(target, "its helper has opened no socket; HAKMEM_CONTROL_DIR "
				    "names a directory for it");
}

static void find_reason(struct target *target)
{
	const struct process *process = &target->process;

	if (!process_is_ours(process))
		give_reason(target,
			    "belongs to another user; that user or root may ask it");
	else if (process_is_secure(process))
		give_reason(target,
			    "is set-uid or set-gid; such a program opens no socket");
	else if (control_is_off(process))
		give_reason(target, "control:off is in its HAKMEM_OPTIONS");
	else if (!ask_snapshot(target) && !ask_rungs(target))
		guess_reason(target);
}

/*
 * True when the process is on hakmem, which is then what the list has of it. A static program has
 * no library that could be seen: its socket is looked for where somebody has named it, or where
 * there is one of that number.
 */
static bool consider(struct target_list *list, const struct process *process, bool is_named)
{
	struct process_library library;
	char socket[PATH_MAX];
	bool has_socket;
	enum process_answer answer;
	struct target *target;

	if (process_is_dead(process))
		return false;
	answer = process_find_library(process, &library);
	if (answer == PROCESS_NO && !is_named)
		return false;
	has_socket = control_socket_find(process, socket);
	if (answer == PROCESS_NO && !has_socket)
		return false;
	if (answer == PROCESS_NOT_ALLOWED && !has_socket) {
		list->unseen++;
		return false;
	}
	target = add(list, process);
	target->has_library = answer == PROCESS_YES;
	if (target->has_library)
		target->library = library;
	if (has_socket)
		memcpy(target->socket, socket, sizeof(target->socket));
	else
		find_reason(target);
	if (process_is_stopped(process))
		target->state = TARGET_STOPPED;
	return true;
}

static bool consider_each(const struct process *process, void *argument)
{
	if (process->pid != getpid() && !process_is_helper(process))
		consider(argument, process, false);
	return true;
}

/* A program that the library is linked into has no file mapped by which it could be found. */
static void consider_socket(const struct process *process, void *argument)
{
	struct target_list *list = argument;

	for (size_t i = 0; i < list->count; i++)
		if (list->targets[i].process.pid == process->pid)
			return;
	if (process->pid != getpid())
		consider(list, process, true);
}

static int by_pid(const void *left, const void *right)
{
	const struct target *a = left, *b = right;

	return (a->process.pid > b->process.pid) - (a->process.pid < b->process.pid);
}

void target_list_all(struct target_list *list)
{
	process_visit_all(consider_each, list);
	control_socket_visit_all(consider_socket, list);
	if (list->count)
		qsort(list->targets, list->count, sizeof(*list->targets), by_pid);
}

static bool find_pid(struct target_list *list, const char *word, struct failure *failure)
{
	struct process process;
	size_t unseen = list->unseen;
	long pid;

	errno = 0;
	pid = strtol(word, NULL, 10);
	if (errno || pid <= 0 || pid > 1 << 30 ||
	    !process_read(&process, process_program_of((pid_t)pid)))
		return failure_set(failure, EXIT_NO_TARGET,
				   "no process %s; `hakctl ps` lists those on hakmem",
				   word);
	if (process_is_dead(&process))
		return failure_set(failure, EXIT_NO_TARGET, "%s (%s): has ended", word,
				   process.name);
	if (consider(list, &process, true))
		return true;
	if (list->unseen > unseen)
		return failure_set(failure, EXIT_REFUSED, "%s (%s): %s", word, process.name,
				   process_why_unseen());
	return failure_set(
		failure, EXIT_NO_TARGET,
		"%s (%s): does not use hakmem; `hakctl run -- COMMAND` starts a "
		"program on it",
		word, process.name);
}

static bool find_socket(struct target_list *list, const char *path,
			struct failure *failure)
{
	struct connection connection;
	struct process process;
	struct target *target;

	if (!connection_open(&connection, path, failure))
		return false;
	connection_close(&connection);
	/* Of a process that this namespace does not show, the socket is all there is. */
	if (!process_read(&process, process_program_of(connection.peer)))
		process = (struct process){ .pid = (pid_t)connection.hello.pid,
					    .start_time = connection.hello.start_time,
					    .state = '?',
					    .name = "?" };
	target = add(list, &process);
	target->has_library = process.state != '?' &&
			      process_find_library(&process, &target->library) ==
				      PROCESS_YES;
	snprintf(target->socket, sizeof(target->socket), "%s", path);
	return true;
}

/* The name that ps shows, which the kernel cuts after 15 bytes. */
static bool is_called(const struct process *process, const char *name)
{
	return !strncmp(process->name, name, 15) &&
	       (strlen(name) <= 15 || strlen(process->name) == 15);
}

struct named {
	struct target_list *list;
	const char *name;
	size_t strangers; /* of that name, but not on hakmem */
	pid_t stranger;
};

static bool consider_named(const struct process *process, void *argument)
{
	struct named *named = argument;

	if (process->pid == getpid() || !is_called(process, named->name) ||
	    process_is_dead(process))
		return true;
	if (!consider(named->list, process, true)) {
		named->strangers++;
		named->stranger = process->pid;
	}
	return true;
}

static bool find_name(struct target_list *list, const char *name, struct failure *failure)
{
	struct named named = { .list = list, .name = name };
	size_t unseen = list->unseen;

	process_visit_all(consider_named, &named);
	if (list->count) {
		qsort(list->targets, list->count, sizeof(*list->targets), by_pid);
		return true;
	}
	if (list->unseen > unseen)
		return failure_set(failure, EXIT_REFUSED, "%s: %s", name,
				   process_why_unseen());
	if (named.strangers)
		return failure_set(failure, EXIT_NO_TARGET,
				   "%s: process %d does not use hakmem; `hakctl run -- "
				   "COMMAND` starts a program on it",
				   name, (int)named.stranger);
	return failure_set(failure, EXIT_NO_TARGET,
			   "no process named %s; `hakctl ps` lists those on hakmem",
			   name);
}

bool target_list_find(struct target_list *list, const char *word, struct failure *failure)
{
	if (strchr(word, '/'))
		return find_socket(list, word, failure);
	if (word[0] && strspn(word, "0123456789") == strlen(word))
		return find_pid(list, word, failure);
	return find_name(list, word, failure);
}

void target_list_find_now(struct target_list *list, char *const *words)
{
	struct failure unused;

	if (!words[0])
		target_list_all(list);
	for (; *words; words++) {
		struct target_list found = { .targets = NULL };

		if (target_list_find(&found, *words, &unused))
			target_list_join(list, &found);
		target_list_free(&found);
	}
}

/* SPDX-License-Identifier: MIT */
/* See control_socket.h; target.c looks for the sockets of all processes here. */
#include <config.h>

#include "hakctl/client/control_socket.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define OPTION "control:"

enum { MOST_FOLDERS = 8 };

struct folders {
	char paths[MOST_FOLDERS][PATH_MAX];
	int count;
};

__attribute__((format(printf, 2, 3))) static void add(struct folders *folders,
						      const char *format, ...)
{
	va_list arguments;

	if (folders->count == MOST_FOLDERS)
		return;
	va_start(arguments, format);
	if (vsnprintf(folders->paths[folders->count], PATH_MAX, format, arguments) <
		    PATH_MAX &&
	    folders->paths[folders->count][0] == '/')
		folders->count++;
	va_end(arguments);
}

/* What a user of here is called inside the process's user namespace. */
static unsigned inner_user(const struct process *process)
{
	unsigned inner, outer, length, user = process->user;
	char path[64];
	FILE *map;

	snprintf(path, sizeof(path), "/proc/%d/uid_map", (int)process->pid);
	map = fopen(path, "re");
	while (map && fscanf(map, "%u %u %u", &inner, &outer, &length) == 3)
		if (process->user >= outer && process->user - outer < length) {
			user = inner + (process->user - outer);
			break;
		}
	if (map)
		fclose(map);
	return user;
}

/* The folder of `control:DIR`, in the options that the program was started with. */
static void add_option(struct folders *folders, const struct process *process)
{
	char options[4096];
	char *at = options;

	if (!process_environment(process, "HAKMEM_OPTIONS", options, sizeof(options)))
		return;
	while ((at = strstr(at, OPTION))) {
		at += strlen(OPTION);
		at[strcspn(at, ",")] = '\0';
		add(folders, "%s", at);
		at += strlen(at) + 1;
		if (at >= options + sizeof(options))
			break;
	}
}

/* In the order in which the library tries them, by the process's environment and by ours. */
static void folders_of(const struct process *process, struct folders *folders)
{
	const char *ours = getenv("HAKMEM_CONTROL_DIR");
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	char theirs[PATH_MAX];

	folders->count = 0;
	add_option(folders, process);
	if (process_environment(process, "HAKMEM_CONTROL_DIR", theirs, sizeof(theirs)))
		add(folders, "%s", theirs);
	if (ours)
		add(folders, "%s", ours);
	add(folders, "/run/hakmem");
	if (process_environment(process, "XDG_RUNTIME_DIR", theirs, sizeof(theirs)))
		add(folders, "%s/hakmem", theirs);
	if (runtime)
		add(folders, "%s/hakmem", runtime);
	add(folders, "/tmp/hakmem-%u", inner_user(process));
}

/* In a folder that somebody else could write to, a socket proves nothing. */
static bool folder_is_trusted(const char *folder, uid_t user)
{
	struct stat status;

	return lstat(folder, &status) == 0 && S_ISDIR(status.st_mode) &&
	       (status.st_uid == user || status.st_uid == 0) &&
	       (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

bool control_socket_find(const struct process *process, char path[PATH_MAX])
{
	static struct folders folders;
	char root[64] = "";

	if (process_has_other_root(process))
		snprintf(root, sizeof(root), "/proc/%d/root", (int)process->pid);
	folders_of(process, &folders);
	for (int i = 0; i < folders.count; i++) {
		char folder[PATH_MAX + 64];
		struct stat status;

		snprintf(folder, sizeof(folder), "%s%s", root, folders.paths[i]);
		if (!folder_is_trusted(folder, process->user))
			continue;
		if (snprintf(path, PATH_MAX, "%s/%d.%" PRIu64 ".sock", folder,
			     (int)process->inner_pid, process->start_time) < PATH_MAX &&
		    lstat(path, &status) == 0 && S_ISSOCK(status.st_mode))
			return true;
	}
	return false;
}

static bool take_name(const char *name, int *pid, uint64_t *start_time)
{
	int length = 0;

	return sscanf(name, "%d.%" SCNu64 ".sock%n", pid, start_time, &length) == 2 &&
	       length > 0 && !name[length] && *pid > 0;
}

static bool is_refused(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int client, result;

	if (snprintf(address.sun_path, sizeof(address.sun_path), "%s", path) >=
	    (int)sizeof(address.sun_path))
		return false;
	client = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (client < 0)
		return false;
	result = connect(client, (struct sockaddr *)&address, sizeof(address));
	if (result != 0)
		result = -errno;
	close(client);
	return result == -ECONNREFUSED;
}

struct visitor {
	void (*visit)(const struct process *process, void *argument);
	void *argument;
};

/*
 * True: its process has ended. Two proofs: there is no such process, and nobody listens. One alone
 * may be wrong: the socket of another PID namespace, or one that is just being made.
 */
static bool visit(const char *path, const char *name, const struct visitor *visitor)
{
	struct process process;
	uint64_t start_time;
	int pid;

	if (!take_name(name, &pid, &start_time))
		return false;
	if (!process_read(&process, pid) || process.start_time != start_time)
		return is_refused(path);
	visitor->visit(&process, visitor->argument);
	return false;
}

/* By a descriptor: whose folder it is could put another one in its place meanwhile. */
static void visit_folder(const char *folder, uid_t user, const struct visitor *visitor)
{
	int own = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct dirent *entry;
	struct stat status;
	DIR *all;

	if (own < 0)
		return;
	if (fstat(own, &status) != 0 || (status.st_uid != user && status.st_uid != 0) ||
	    status.st_mode & (S_IWGRP | S_IWOTH) || !(all = fdopendir(own))) {
		close(own);
		return;
	}
	while ((entry = readdir(all))) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", own, entry->d_name);
		if (visit(path, entry->d_name, visitor))
			unlinkat(own, entry->d_name, 0);
	}
	closedir(all);
}

/* Of users that never call hakctl. */
static void visit_others(const struct visitor *visitor)
{
	DIR *all = opendir("/tmp");
	struct dirent *entry;

	while (all && (entry = readdir(all))) {
		char path[PATH_MAX];
		unsigned user;
		int length = 0;

		if (sscanf(entry->d_name, "hakmem-%u%n", &user, &length) != 1 ||
		    entry->d_name[length])
			continue;
		snprintf(path, sizeof(path), "/tmp/%s", entry->d_name);
		visit_folder(path, user, visitor);
	}
	if (all)
		closedir(all);
}

void control_socket_visit_all(void (*visit_)(const struct process *process, void *argument),
			      void *argument)
{
	struct visitor visitor = { visit_, argument };
	static struct folders folders;
	struct process own;

	if (!process_read(&own, getpid()))
		return;
	folders_of(&own, &folders);
	for (int i = 0; i < folders.count; i++)
		visit_folder(folders.paths[i], geteuid(), &visitor);
	if (geteuid() == 0)
		visit_others(&visitor);
}

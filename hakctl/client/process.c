/* SPDX-License-Identifier: MIT */
/* Reads /proc/PID; target.c decides what it means. */
#include <config.h>

#include "hakctl/client/process.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hakctl/output/text.h"
#include "support/kernel_file.h"

static ssize_t read_file(pid_t pid, const char *name, char *text, size_t bytes)
{
	char path[64];
	size_t length = 0;
	ssize_t got = 0;
	int file;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return -1;
	while (length < bytes - 1 &&
	       (got = read(file, text + length, bytes - 1 - length)) > 0)
		length += (size_t)got;
	close(file);
	text[length] = '\0';
	return got < 0 ? -1 : (ssize_t)length;
}

/* Fields 3, 4, 22 and 38; a name may hold anything, ")" and escape sequences included. */
static bool read_stat(struct process *process)
{
	char text[1024];
	char *open, *close_;
	size_t length;

	if (read_file(process->pid, "stat", text, sizeof(text)) <= 0)
		return false;
	open = strchr(text, '(');
	close_ = strrchr(text, ')');
	if (!open || !close_ || close_ < open)
		return false;
	length = (size_t)(close_ - open - 1);
	if (length >= sizeof(process->name))
		length = sizeof(process->name) - 1;
	memcpy(process->name, open + 1, length);
	process->name[length] = '\0';
	text_clean(process->name);
	return sscanf(close_ + 1,
		      " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d"
		      " %*d %*d %*d %" SCNu64 " %*u %*d %*u %*u %*u %*u %*u %*u %*u %*u"
		      " %*u %*u %*u %*u %*u %d",
		      &process->state, &process->parent, &process->start_time,
		      &process->exit_signal) == 4;
}

static bool read_status(struct process *process)
{
	char text[8192];
	unsigned user = 0;
	uint64_t rss = 0;
	char *line;

	if (read_file(process->pid, "status", text, sizeof(text)) <= 0)
		return false;
	line = strstr(text, "\nUid:");
	if (!line || sscanf(line, "\nUid: %*u %u", &user) != 1)
		return false;
	process->user = user;
	line = strstr(text, "\nVmRSS:");
	if (line && sscanf(line, "\nVmRSS: %" SCNu64, &rss) == 1)
		process->rss_bytes = rss * 1024;
	process->inner_pid = process->pid;
	line = strstr(text, "\nNSpid:");
	if (line) {
		char *last = line + strcspn(line + 1, "\n");

		while (last > line && isdigit((unsigned char)*last))
			last--;
		process->inner_pid = (pid_t)strtol(last + 1, NULL, 10);
	}
	return true;
}

bool process_read(struct process *process, pid_t pid)
{
	*process = (struct process){ .pid = pid };
	return read_stat(process) && read_status(process);
}

bool process_is_stopped(const struct process *process)
{
	return process->state == 'T' || process->state == 't';
}

bool process_is_dead(const struct process *process)
{
	return process->state == 'Z' || process->state == 'X';
}

const char *process_why_unseen(void)
{
	return geteuid() ? "belongs to another user; run hakctl as that user or as root" :
			   "not even root may look into it from here; ask where it runs";
}

bool process_is_ours(const struct process *process)
{
	return geteuid() == 0 || geteuid() == process->user;
}

bool process_is_secure(const struct process *process)
{
	uint64_t vector[128];
	ssize_t got = read_file(process->pid, "auxv", (char *)vector, sizeof(vector));

	for (ssize_t i = 0; i + 1 < got / (ssize_t)sizeof(vector[0]); i += 2)
		if (vector[i] == AT_SECURE)
			return vector[i + 1] != 0;
	return false;
}

bool process_is_filtered(const struct process *process)
{
	char text[8192];
	const char *mode;

	if (read_file(process->pid, "status", text, sizeof(text)) <= 0)
		return false;
	mode = kernel_file_field(text, "Seccomp");
	return mode && *mode != '0';
}

void process_find_title(const struct process *process, char title[256])
{
	char text[1024];
	ssize_t got = read_file(process->pid, "cmdline", text, sizeof(text));
	size_t start = 0;

	while (got > 0 && (text[got - 1] == '\0' || text[got - 1] == ' '))
		got--;
	if (got <= 0) {
		snprintf(title, 256, "%s", process->name);
		return;
	}
	text[got] = '\0';
	for (size_t i = 0; text[i] && text[i] != ' '; i++)
		if (text[i] == '/')
			start = i + 1;
	for (ssize_t i = 0; i < got; i++)
		if (text[i] == '\0' || text[i] == '\n')
			text[i] = ' ';
	snprintf(title, 256, "%.255s", text + start);
	text_clean(title);
}

/* "0::/system.slice/redis-server.service"; of version 1 "4:memory:/docker/0123". */
void process_find_group(const struct process *process, char group[256])
{
	char text[4096], *line;

	group[0] = '\0';
	if (read_file(process->pid, "cgroup", text, sizeof(text)) <= 0)
		return;
	line = strstr(text, ":memory:");
	line = line ? line + strlen(":memory:") : strstr(text, "0::");
	if (!line)
		return;
	line += strncmp(line, "0::", 3) ? 0 : 3;
	snprintf(group, 256, "%.*s", (int)strcspn(line, "\n"), line);
	text_clean(group);
}

static bool is_of_container(const char *group)
{
	static const char *const words[] = { "docker", "kubepods", "containerd", "libpod",
					     "crio", "lxc" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(group, words[i]))
			return true;
	return false;
}

/*
 * ".../system.slice/redis-server.service", ".../docker-0123.scope",
 * ".../kubepods.slice/.../cri-0123".
 */
enum process_setting process_find_setting(const struct process *process, char unit[128])
{
	char group[256], *end, *start;

	unit[0] = '\0';
	process_find_group(process, group);
	end = strstr(group, ".service");
	if (is_of_container(group)) {
		snprintf(unit, 128, "%.127s",
			 strrchr(group, '/') ? strrchr(group, '/') + 1 : group);
		return PROCESS_IN_CONTAINER;
	}
	if (!end)
		return PROCESS_BARE;
	end += strlen(".service");
	for (start = end; start > group && start[-1] != '/'; start--)
		;
	/* A session is no server: what a user starts by hand is in the service of his manager. */
	if (!strncmp(start, "user@", 5))
		return PROCESS_BARE;
	snprintf(unit, 128, "%.*s", (int)(end - start), start);
	return PROCESS_IN_UNIT;
}

bool process_has_other_root(const struct process *process)
{
	char path[64];
	struct stat ours, theirs;

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)process->pid);
	if (stat(path, &theirs) == 0 && stat("/proc/self/ns/mnt", &ours) == 0 &&
	    (theirs.st_ino != ours.st_ino || theirs.st_dev != ours.st_dev))
		return true;
	/* A chroot has the same namespace. */
	snprintf(path, sizeof(path), "/proc/%d/root", (int)process->pid);
	return stat(path, &theirs) == 0 && stat("/", &ours) == 0 &&
	       (theirs.st_ino != ours.st_ino || theirs.st_dev != ours.st_dev);
}

bool process_environment(const struct process *process, const char *variable, char *value,
			 size_t bytes)
{
	static char text[256 * 1024];
	ssize_t got = read_file(process->pid, "environ", text, sizeof(text));
	size_t name_length = strlen(variable);

	for (char *entry = text; got > 0 && entry < text + got;
	     entry += strlen(entry) + 1) {
		if (strncmp(entry, variable, name_length) || entry[name_length] != '=')
			continue;
		return (size_t)snprintf(value, bytes, "%s", entry + name_length + 1) <
		       bytes;
	}
	return false;
}

/* The file itself, whatever has been done to its name since: map_files, else through root. */
static void make_readable(const struct process *process, struct process_library *library,
			  uint64_t end)
{
	char path[PATH_MAX + 32];

	snprintf(library->readable, PATH_MAX, "/proc/%d/map_files/%" PRIx64 "-%" PRIx64,
		 (int)process->pid, library->base, end);
	if (access(library->readable, R_OK) == 0)
		return;
	if (snprintf(path, sizeof(path), "/proc/%d/root%s", (int)process->pid,
		     library->path) < PATH_MAX)
		memcpy(library->readable, path, PATH_MAX);
}

static bool take_library(const struct process *process, const char *line,
			 struct process_library *library)
{
	uint64_t start, end, offset;
	int path_at = 0;
	const char *name;

	/* Most lines are not of it, and are not taken apart. */
	if (!strstr(line, "/libhakmem.so") ||
	    sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %" SCNx64 " %*s %*s %n", &start,
		   &end, &offset, &path_at) < 3 ||
	    !path_at || line[path_at] != '/' || offset)
		return false;
	name = strrchr(line, '/') + 1;
	/* libhakmem.so, .so.1, .so.1.0.0; and " (deleted)" after an upgrade */
	if (strncmp(name, "libhakmem.so", 12) || !strchr(". \n", name[12]))
		return false;
	library->base = start;
	snprintf(library->path, PATH_MAX, "%s", line + path_at);
	library->path[strcspn(library->path, "\n")] = '\0';
	make_readable(process, library, end);
	return true;
}

enum process_answer process_find_library(const struct process *process,
					 struct process_library *library)
{
	char path[64], line[PATH_MAX + 128];
	enum process_answer answer = PROCESS_NO;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)process->pid);
	maps = fopen(path, "re");
	if (!maps)
		return errno == EACCES || errno == EPERM ? PROCESS_NOT_ALLOWED :
							   PROCESS_NO;
	while (answer == PROCESS_NO && fgets(line, sizeof(line), maps))
		if (take_library(process, line, library))
			answer = PROCESS_YES;
	/* Opening may pass and reading be refused. */
	if (answer == PROCESS_NO && ferror(maps) && errno != ESRCH)
		answer = PROCESS_NOT_ALLOWED;
	fclose(maps);
	return answer;
}

void process_visit_all(bool (*visit)(const struct process *process, void *argument),
		       void *argument)
{
	DIR *all = opendir("/proc");
	struct dirent *entry;
	bool goes_on = true;

	while (all && goes_on && (entry = readdir(all))) {
		struct process process;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		if (process_read(&process, (pid_t)strtol(entry->d_name, NULL, 10)))
			goes_on = visit(&process, argument);
	}
	if (all)
		closedir(all);
}

/*
 * Its end is told to nobody. Not by its name: a program may call itself anything, and a filter may
 * withhold the helper's. What its parent has mapped in the same place counts. The helper of a
 * server that has given up root's rights since is root's, and no other user can make itself one.
 */
bool process_is_helper(const struct process *process)
{
	static struct process_library own, of_parent;
	struct process parent;

	return !process->exit_signal &&
	       process_read(&parent, process->parent) &&
	       (parent.user == process->user || process->user == 0) &&
	       process_find_library(process, &own) == PROCESS_YES &&
	       process_find_library(&parent, &of_parent) == PROCESS_YES &&
	       own.base == of_parent.base && !strcmp(own.path, of_parent.path);
}

pid_t process_program_of(pid_t pid)
{
	struct process process;

	return process_read(&process, pid) && process_is_helper(&process) ? process.parent : pid;
}

struct helper_search {
	pid_t parent, found;
};

static bool look_for_helper(const struct process *process, void *argument)
{
	struct helper_search *search = argument;

	if (process->parent == search->parent && process_is_helper(process))
		search->found = process->pid;
	return !search->found;
}

pid_t process_helper_of(const struct process *process)
{
	struct helper_search search = { process->pid, 0 };

	process_visit_all(look_for_helper, &search);
	return search.found;
}

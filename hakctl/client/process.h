/* SPDX-License-Identifier: MIT */
/*
 * What /proc says of a process. Nothing here waits for the process, so all of it works on
 * a stopped one. Answers are of a moment; a process that is gone is simply false.
 */
#ifndef HAKCTL_CLIENT_PROCESS_H
#define HAKCTL_CLIENT_PROCESS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct process {
	pid_t pid;	     /* as seen from here */
	pid_t inner_pid;     /* as it sees itself: the last of NSpid */
	pid_t parent;
	uid_t user;	     /* effective */
	char state;	     /* R S D T t Z ... */
	uint64_t start_time; /* field 22 of stat */
	int exit_signal;     /* that its end sends to its parent */
	uint64_t rss_bytes;
	char name[64]; /* of the program; no control characters */
};

bool process_read(struct process *process, pid_t pid);

/* T or t: it answers nobody. */
bool process_is_stopped(const struct process *process);
/* Z or X: it has ended, and waits for its parent to notice. */
bool process_is_dead(const struct process *process);
/* May this user look into it? Root may look into all. */
bool process_is_ours(const struct process *process);
/* Of one that could not be looked into. */
const char *process_why_unseen(void);
/* Set-uid, set-gid or with file capabilities: the library reads no options and opens no socket. */
bool process_is_secure(const struct process *process);
/* By seccomp, in whatever mode. */
bool process_is_filtered(const struct process *process);
/* What started it, by its cgroup. */
enum process_setting { PROCESS_BARE, PROCESS_IN_UNIT, PROCESS_IN_CONTAINER };
/* unit: the name of the systemd unit, or of the container's scope; "" for neither. */
enum process_setting process_find_setting(const struct process *process, char unit[128]);
/*
 * What ps(1) shows of it: its command line, its first word without a folder, or what the program
 * has written in its place ("postgres: checkpointer"). Its name, where there is none.
 */
void process_find_title(const struct process *process, char title[256]);
/* The path of its cgroup, of version 2 or that of memory; "" if it is not told. */
void process_find_group(const struct process *process, char group[256]);
/* Another mount namespace, so that its paths are below /proc/PID/root. */
bool process_has_other_root(const struct process *process);
/* The library's own task beside a program: it has the same memory. */
bool process_is_helper(const struct process *process);
/* The program, of its helper; of any other process itself. */
pid_t process_program_of(pid_t pid);
/* That of a program; 0: it has none. */
pid_t process_helper_of(const struct process *process);

/* The value of a variable, as it was when the program started. */
bool process_environment(const struct process *process, const char *variable, char *value,
			 size_t bytes);

/* Where libhakmem.so is mapped in a process. */
struct process_library {
	uint64_t base;		 /* its first mapping */
	char path[PATH_MAX];	 /* in the process's own root */
	char readable[PATH_MAX]; /* the same file, from here */
};

enum process_answer { PROCESS_NO, PROCESS_YES, PROCESS_NOT_ALLOWED };

enum process_answer process_find_library(const struct process *process,
					 struct process_library *library);

/* Calls visit for every process; stops when it says false. */
void process_visit_all(bool (*visit)(const struct process *process, void *argument),
		       void *argument);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * task_limit.c - see task_limit.h. What counts against RLIMIT_NPROC the kernel tells nobody:
 * all tasks of the machine are an upper bound, and where that is too many those of the user are
 * counted, process by process.
 */
#include <config.h>

#include "os/task_limit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "os/control_group.h"
#include "os/program.h"
#include "support/directory_entry.h"
#include "support/kernel_file.h"
#include "support/log.h"
#include "support/number.h"
#include "support/system_call.h"

#define LEAST_TASKS	64	/* a smaller limit is a sandbox's: it means what it says */
#define AMPLE_TASKS	1024
#define LEVELS_MOST	8	/* of cgroups */
#define SHARE_TO_BEGIN	4
#define SHARE_TO_GO	2

/* The helper's. */
static struct {
	int tasks_now, tasks_most;	/* files of the tightest cgroup; -1: there is none */
	int load;			/* /proc/loadavg */
	uint64_t most;			/* RLIMIT_NPROC; 0: no limit */
	uint64_t used, used_by_all;	/* when it was counted: by the user; by everybody */
} limit = { .tasks_now = -1, .tasks_most = -1, .load = -1 };

static uint64_t task_limit_limit_of(pid_t process)
{
	struct rlimit read = { RLIM_INFINITY, RLIM_INFINITY };

	system_call(SYS_prlimit64, process, RLIMIT_NPROC, NULL, &read);
	return read.rlim_cur == RLIM_INFINITY ? 0 : read.rlim_cur;
}

/* "0.00 0.01 0.05 2/345 6789": the number behind the stroke. 0: the kernel does not say. */
static uint64_t tasks_of_all(int load)
{
	char text[128];
	const char *stroke;

	kernel_file_read_again(load, text, sizeof(text));
	stroke = strchr(text, '/');
	return stroke ? number_read(stroke + 1, NULL) : 0;
}

static int open_load(void)
{
	return kernel_file_open("/proc/loadavg");
}

bool task_limit_is_ample(void)
{
	uint64_t most = task_limit_limit_of(0);

	return !most || most >= LEAST_TASKS;
}

/* The folder of tasks has a link for each, and two of its own. */
static uint64_t tasks_of_process(int processes, const char *name, uid_t user)
{
	char path[64];
	struct stat status;

	log_format_text(path, sizeof(path), "%s/task", name);
	if (system_call(SYS_newfstatat, processes, path, &status, 0) || status.st_uid != user)
		return 0;
	return status.st_nlink > 2 ? status.st_nlink - 2 : 1;
}

static uint64_t tasks_of_user(uid_t user)
{
	char entries[4096] __attribute__((aligned(8)));
	long processes = system_call(SYS_openat, AT_FDCWD, "/proc",
				     O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	long filled, at;
	uint64_t tasks = 0;

	if (processes < 0)
		return UINT64_MAX;
	while ((filled = system_call(SYS_getdents64, processes, entries, sizeof(entries))) > 0) {
		for (at = 0; at < filled; at += ((struct directory_entry *)(entries + at))->bytes) {
			const char *name = ((struct directory_entry *)(entries + at))->name;

			if (*name >= '1' && *name <= '9')
				tasks += tasks_of_process((int)processes, name, user);
		}
	}
	system_call(SYS_close, (int)processes);
	return tasks;
}

/* False: more than its share is used of what a level above allows. */
static bool look_at_level(unsigned up)
{
	int folder = control_group_open("pids", up);
	int now = control_group_open_file(folder, "pids.current");
	int most = control_group_open_file(folder, "pids.max");
	uint64_t used = control_group_number(now), allowed = control_group_number(most);

	control_group_close(folder);
	if (allowed && limit.tasks_most < 0) {
		limit.tasks_now = now;
		limit.tasks_most = most;
	} else {
		control_group_close(now);
		control_group_close(most);
	}
	return !allowed || used <= allowed / SHARE_TO_BEGIN;
}

bool task_limit_open(void)
{
	bool has_room = true;
	unsigned up;

	limit.tasks_now = limit.tasks_most = -1;
	for (up = 0; up < LEVELS_MOST && has_room; up++)
		has_room = look_at_level(up);
	limit.most = task_limit_limit_of(program_id());
	limit.load = open_load();
	limit.used = limit.used_by_all = tasks_of_all(limit.load);
	if (!limit.most || !has_room)
		return has_room;
	/* Without /proc nothing is counted, and a limit that is no sandbox's is taken for ample. */
	if (!limit.used)
		return limit.most >= AMPLE_TASKS;
	if (limit.used > limit.most / SHARE_TO_BEGIN)
		limit.used = tasks_of_user(program_user());
	return limit.used <= limit.most / SHARE_TO_BEGIN;
}

bool task_limit_is_near(void)
{
	uint64_t allowed = control_group_number(limit.tasks_most), now;

	if (allowed && control_group_number(limit.tasks_now) > allowed / SHARE_TO_GO)
		return true;
	if (!limit.most)
		return false;
	/* All that came since may be the user's. */
	now = tasks_of_all(limit.load);
	return now > limit.used_by_all &&
	       limit.used + (now - limit.used_by_all) > limit.most / SHARE_TO_GO;
}

/* SPDX-License-Identifier: MIT */
/*
 * pressure.c - see pressure.h. No stdio: it allocates.
 */
#include <config.h>

#include "os/pressure.h"

#include <fcntl.h>
#include <string.h>

#include "support/system_call.h"

#define READ_EVERY_NS	1000000000ull
#define ROOM_EVERY_NS	4000000ull
#define TEXT_BYTES	4096
#define SOME_STALLED	10	/* percent */
#define HIGH_STALLED	40

enum pressure_level pressure_judge(uint64_t usage, uint64_t limit, unsigned stalled_percent)
{
	if (limit && usage > limit - limit / 16)
		return PRESSURE_HIGH;
	if (stalled_percent >= HIGH_STALLED)
		return PRESSURE_HIGH;
	if (limit && usage > limit - limit / 8)
		return PRESSURE_SOME;
	return stalled_percent >= SOME_STALLED ? PRESSURE_SOME : PRESSURE_NONE;
}

/* From the start of the file; "" if it cannot be read. */
static void read_text(int file, char *text, size_t room)
{
	long length = file < 0 ? -1 : system_call(SYS_pread64, file, text, room - 1, 0ul);

	text[length > 0 ? length : 0] = '\0';
}

static uint64_t number_at(const char *text)
{
	uint64_t number = 0;

	for (; *text >= '0' && *text <= '9'; text++)
		number = number * 10 + (uint64_t)(*text - '0');
	return number;
}

/* 0: "max", or nothing there. */
static uint64_t read_number(int file)
{
	char text[32];

	read_text(file, text, sizeof(text));
	return number_at(text);
}

/* "some avg10=1.23 …": the first number. */
static unsigned read_stall(int file)
{
	char text[128], *average;

	read_text(file, text, sizeof(text));
	average = strstr(text, "avg10=");
	return average ? (unsigned)number_at(average + strlen("avg10=")) : 0;
}

static int open_file(const char *name, int flags)
{
	return (int)system_call(SYS_openat, AT_FDCWD, name, O_RDONLY | O_CLOEXEC | flags, 0);
}

static int open_in(int folder, const char *name)
{
	return folder < 0 ? -1 :
			    (int)system_call(SYS_openat, folder, name, O_RDONLY | O_CLOEXEC, 0);
}

/* The folder of our cgroup below a mount point, or the mount point, if paths are another's view. */
static int open_folder(const char *mount, const char *path, size_t length)
{
	char name[TEXT_BYTES];
	size_t mount_length = strlen(mount);
	int folder;

	if (mount_length + length >= sizeof(name))
		return -1;
	memcpy(name, mount, mount_length);
	memcpy(name + mount_length, path, length);
	name[mount_length + length] = '\0';
	folder = open_file(name, O_DIRECTORY);
	return folder >= 0 ? folder : open_file(mount, O_DIRECTORY);
}

/* The path behind a key such as "0::" in /proc/self/cgroup; NULL: there is none. */
static const char *path_of(const char *text, const char *key, size_t *length)
{
	const char *found = strstr(text, key);

	if (!found)
		return NULL;
	found += strlen(key);
	*length = strcspn(found, "\n");
	return found;
}

static void open_group(struct pressure *pressure, const char *groups)
{
	size_t length = 0;
	const char *path = path_of(groups, "0::", &length);
	int folder = path ? open_folder("/sys/fs/cgroup", path, length) : -1;

	pressure->usage = open_in(folder, "memory.current");
	pressure->high = open_in(folder, "memory.high");
	pressure->max = open_in(folder, "memory.max");
	pressure->stall = open_in(folder, "memory.pressure");
	if (folder >= 0)
		system_call(SYS_close, folder);
	if (pressure->usage >= 0 || !(path = path_of(groups, ":memory:", &length)))
		return;
	folder = open_folder("/sys/fs/cgroup/memory", path, length);
	pressure->usage = open_in(folder, "memory.usage_in_bytes");
	pressure->max = open_in(folder, "memory.limit_in_bytes");
	if (folder >= 0)
		system_call(SYS_close, folder);
}

void pressure_open(struct pressure *pressure)
{
	int file = open_file("/proc/self/cgroup", 0);
	char groups[TEXT_BYTES];

	*pressure = (struct pressure){ .usage = -1, .high = -1, .max = -1, .stall = -1, .room = SIZE_MAX };
	read_text(file, groups, sizeof(groups));
	if (file >= 0)
		system_call(SYS_close, file);
	open_group(pressure, groups);
	if (pressure->stall < 0)
		pressure->stall = open_file("/proc/pressure/memory", 0);
}

/* The lower of both; 0: there is none. */
static uint64_t read_limit(const struct pressure *pressure)
{
	uint64_t limit = read_number(pressure->max), high = read_number(pressure->high);

	return high && (!limit || high < limit) ? high : limit;
}

size_t pressure_room(struct pressure *pressure, uint64_t now_ns)
{
	uint64_t limit, usage;

	if (now_ns - pressure->room_read_ns < ROOM_EVERY_NS)
		return pressure->room;
	pressure->room_read_ns = now_ns;
	limit = read_limit(pressure);
	usage = limit ? read_number(pressure->usage) : 0;
	limit -= limit / 8;
	pressure->room = !limit ? SIZE_MAX : usage < limit ? limit - usage : 0;
	return pressure->room;
}

enum pressure_level pressure_read(struct pressure *pressure, uint64_t now_ns)
{
	uint64_t limit;

	if (now_ns - pressure->read_ns < READ_EVERY_NS)
		return pressure->level;
	pressure->read_ns = now_ns;
	limit = read_limit(pressure);
	pressure->level = pressure_judge(limit ? read_number(pressure->usage) : 0, limit,
					 read_stall(pressure->stall));
	return pressure->level;
}

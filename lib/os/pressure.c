/* SPDX-License-Identifier: MIT */
/*
 * pressure.c - see pressure.h. No stdio: it allocates.
 */
#include <config.h>

#include "os/pressure.h"

#include <string.h>

#include "os/control_group.h"
#include "support/kernel_file.h"
#include "support/number.h"

#define READ_EVERY_NS	1000000000ull
#define ROOM_EVERY_NS	4000000ull
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

/* "some avg10=1.23 …": the first number. */
static unsigned read_stall(int file)
{
	char text[128], *average;

	kernel_file_read_again(file, text, sizeof(text));
	average = strstr(text, "avg10=");
	return average ? (unsigned)number_read(average + strlen("avg10="), NULL) : 0;
}

static void open_files(struct pressure *pressure)
{
	int folder = control_group_open("memory", 0);

	pressure->usage = control_group_open_file(folder, "memory.current");
	pressure->high = control_group_open_file(folder, "memory.high");
	pressure->max = control_group_open_file(folder, "memory.max");
	pressure->stall = control_group_open_file(folder, "memory.pressure");
	if (pressure->usage < 0) {	/* version 1 */
		pressure->usage = control_group_open_file(folder, "memory.usage_in_bytes");
		pressure->max = control_group_open_file(folder, "memory.limit_in_bytes");
	}
	control_group_close(folder);
}

void pressure_open(struct pressure *pressure)
{
	*pressure = (struct pressure){
		.usage = -1, .high = -1, .max = -1, .stall = -1, .room = SIZE_MAX
	};
	open_files(pressure);
	if (pressure->stall < 0)
		pressure->stall = kernel_file_open("/proc/pressure/memory");
}

/* The lower of both; 0: there is none. */
static uint64_t read_limit(const struct pressure *pressure)
{
	uint64_t limit = control_group_number(pressure->max),
		 high = control_group_number(pressure->high);

	return high && (!limit || high < limit) ? high : limit;
}

size_t pressure_room(struct pressure *pressure, uint64_t now_ns)
{
	uint64_t limit, usage;

	if (now_ns - pressure->room_read_ns < ROOM_EVERY_NS)
		return pressure->room;
	pressure->room_read_ns = now_ns;
	limit = read_limit(pressure);
	usage = limit ? control_group_number(pressure->usage) : 0;
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
	pressure->level = pressure_judge(limit ? control_group_number(pressure->usage) : 0, limit,
					 read_stall(pressure->stall));
	return pressure->level;
}

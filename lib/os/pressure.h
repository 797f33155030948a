/* SPDX-License-Identifier: MIT */
/*
 * pressure.h - how scarce memory is around the process: its cgroup's limits (version 2, or the
 * memory controller of version 1) and the kernel's pressure stall information. Used by the
 * helper alone, which has descriptors of its own.
 */
#ifndef HAKMEM_OS_PRESSURE_H
#define HAKMEM_OS_PRESSURE_H

#include <stddef.h>
#include <stdint.h>

enum pressure_level { PRESSURE_NONE, PRESSURE_SOME, PRESSURE_HIGH };

/* Descriptors; -1: not readable here. */
struct pressure {
	int usage;	/* memory.current */
	int high, max;	/* memory.high, memory.max */
	int stall;	/* memory.pressure of the cgroup, else of the machine */
	uint64_t read_ns;	/* when the level was read */
	enum pressure_level level;
	uint64_t room_read_ns;	/* when the room was */
	size_t room;
};

void pressure_open(struct pressure *pressure);

/* Reads at most once a second; before that, what was read last. */
enum pressure_level pressure_read(struct pressure *pressure, uint64_t now_ns);

/*
 * What may be brought ahead before seven eighths of the cgroup's limit are in use; SIZE_MAX: there
 * is none. Read a few hundred times a second at most.
 */
size_t pressure_room(struct pressure *pressure, uint64_t now_ns);

/* The numbers alone. stalled_percent: of the last ten seconds; usage, limit: bytes. */
enum pressure_level pressure_judge(uint64_t usage, uint64_t limit, unsigned stalled_percent);

#endif

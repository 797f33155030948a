/* SPDX-License-Identifier: MIT */
/*
 * rung_names.h - the rungs of the ladder that `hakctl doctor` shows, and their names: the one list,
 * for the library, which tells them, and for hakctl, which knows how each is mended.
 */
#ifndef HAKMEM_SUPPORT_RUNG_NAMES_H
#define HAKMEM_SUPPORT_RUNG_NAMES_H

/* What a process says of itself. */
#define RUNG_NAMES_OF_PROCESS(ROW)           \
	ROW(RUNG_HELPER, "helper")           \
	ROW(RUNG_USERFAULTFD, "userfaultfd") \
	ROW(RUNG_MOVE, "move")               \
	ROW(RUNG_RING, "io_uring")           \
	ROW(RUNG_HUGE_PAGES, "huge_pages")   \
	ROW(RUNG_BARRIER, "membarrier")      \
	ROW(RUNG_PAGE_SCAN, "pagemap_scan")  \
	ROW(RUNG_FILTER, "seccomp")

/* What hakctl finds besides: of the machine, and of the way to a process. */
#define RUNG_NAMES_OF_MACHINE(ROW)          \
	ROW(RUNG_CONTROL, "control")        \
	ROW(RUNG_PROCESSORS, "processors")  \
	ROW(RUNG_VECTOR, "process_madvise") \
	ROW(RUNG_NODES, "numa")             \
	ROW(RUNG_OVERCOMMIT, "overcommit")

#define RUNG_NAMES_NUMBER(rung, name) rung,
enum rung {
	RUNG_NAMES_OF_PROCESS(RUNG_NAMES_NUMBER) RUNG_NAMES_OF_MACHINE(RUNG_NAMES_NUMBER)
		RUNG_COUNT_ALL
};
#undef RUNG_NAMES_NUMBER

enum { RUNG_COUNT = RUNG_CONTROL }; /* of a process */

#endif

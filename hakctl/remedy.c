/* SPDX-License-Identifier: MIT */
/* See remedy.h; doctor.c prints them. */
#include <config.h>

#include "hakctl/remedy.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DOCKER                                                       \
	"hakctl doctor --seccomp-profile > hakmem.json; docker run " \
	"--security-opt seccomp=hakmem.json ..."

struct remedy {
	const char *rung;
	const char *purpose;
	const char *line;     /* where nothing below says more */
	const char *sysctl;   /* a file that holds REFUSING when it is the cause */
	const char *refusing; /* its first letters, each of which refuses */
	const char *sysctl_line;
	bool is_filtered; /* a container's seccomp profile refuses it often */
};

static const struct remedy remedies[] = {
	{ "helper", "one thread works ahead of the others",
	  "memory, and a kernel that lets madvise(2) through", NULL, NULL, NULL, true },
	{ "seccomp", "the helper may use all its calls",
	  "HAKMEM_OPTIONS=helpers:always, if the filter refuses and does not kill", NULL,
	  NULL, NULL, false },
	{ "processors", "the helper has a processor of its own",
	  "docker run --cpus 2 ..., or taskset with two processors", NULL, NULL, NULL,
	  false },
	{ "userfaultfd", "populates memory ahead, and the tripwire",
	  "sysctl -w vm.unprivileged_userfaultfd=1",
	  "/proc/sys/vm/unprivileged_userfaultfd", "0",
	  "sysctl -w vm.unprivileged_userfaultfd=1", true },
	{ "move", "moves pages into place instead of copying", "Linux 6.8 or later", NULL,
	  NULL, NULL, false },
	{ "io_uring", "gives memory back in batches",
	  "Linux 5.6 or later, with CONFIG_IO_URING",
	  "/proc/sys/kernel/io_uring_disabled", "12",
	  "sysctl -w kernel.io_uring_disabled=0", true },
	{ "process_madvise", "gives many ranges back by one call", "Linux 6.13 or later",
	  NULL, NULL, NULL, true },
	{ "huge_pages", "fewer faults and TLB misses",
	  "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled", NULL, NULL, NULL,
	  false },
	{ "numa", "memory on the node of its thread",
	  "docker run --cap-add SYS_NICE ..., or a profile with mbind", NULL, NULL, NULL,
	  true },
	{ "membarrier", "empties caches of sleeping threads", "Linux 4.14 or later", NULL,
	  NULL, NULL, true },
	{ "pagemap_scan", "tells what is populated, page by page", "Linux 6.7 or later",
	  NULL, NULL, NULL, false },
	{ "overcommit", "address space is reserved at no cost",
	  "sysctl -w vm.overcommit_memory=0", NULL, NULL, NULL, false },
};

static const struct remedy *find(const struct control_rung *rung)
{
	for (size_t i = 0; i < sizeof(remedies) / sizeof(remedies[0]); i++)
		if (!strcmp(remedies[i].rung, rung->name))
			return &remedies[i];
	return NULL;
}

const char *remedy_purpose(const struct control_rung *rung)
{
	const struct remedy *remedy = find(rung);

	return remedy ? remedy->purpose : "";
}

static bool first_letter_is(const char *path, const char *letters)
{
	FILE *file = fopen(path, "re");
	int letter = file ? fgetc(file) : EOF;

	if (file)
		fclose(file);
	return letter != EOF && letter && strchr(letters, letter);
}

static bool is_in_container(void)
{
	return access("/.dockerenv", F_OK) == 0 ||
	       access("/run/.containerenv", F_OK) == 0;
}

const char *remedy_line(const struct control_rung *rung)
{
	const struct remedy *remedy = find(rung);
	bool is_refused = rung->error == EPERM || rung->error == EACCES ||
			  (rung->error == ENOSYS && is_in_container());

	if (!remedy)
		return "";
	if (remedy->is_filtered && strstr(rung->cause, "seccomp"))
		return DOCKER;
	if (remedy->sysctl && first_letter_is(remedy->sysctl, remedy->refusing))
		return remedy->sysctl_line;
	if (remedy->is_filtered && is_refused)
		return DOCKER;
	return remedy->line;
}

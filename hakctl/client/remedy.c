/* SPDX-License-Identifier: MIT */
/* See remedy.h; doctor.c prints them. */
#include <config.h>

#include "hakctl/client/remedy.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hakctl/client/rung.h"
#include "hakctl/client/used_calls.h"

struct remedy {
	const char *purpose;
	const char *line;     /* where nothing below says more */
	const char *sysctl;   /* a file that holds REFUSING when it is the cause */
	const char *refusing; /* its first letters, each of which refuses */
	const char *sysctl_line;
	bool is_filtered; /* a container's seccomp profile refuses it often */
};

static const struct remedy remedies[RUNG_COUNT_ALL] = {
	[RUNG_HELPER] = { "one task works ahead of the threads, and gives back behind them",
			  "control:always in HAKMEM_OPTIONS starts it at once", NULL, NULL, NULL,
			  false },
	[RUNG_CONTROL] = { "answers hakctl",
			   "HAKMEM_CONTROL_DIR, or control:DIR, names a directory for its socket",
			   NULL, NULL, NULL, false },
	[RUNG_FILTER] = { "the helper may use all its calls", "", NULL, NULL, NULL, true },
	[RUNG_PROCESSORS] = { "the helper has a processor of its own",
			      "docker run --cpus 2 ..., or taskset with two processors", NULL, NULL,
			      NULL, false },
	[RUNG_USERFAULTFD] = { "populates memory ahead, and the tripwire",
			       "sysctl -w vm.unprivileged_userfaultfd=1",
			       "/proc/sys/vm/unprivileged_userfaultfd", "0",
			       "sysctl -w vm.unprivileged_userfaultfd=1", true },
	[RUNG_MOVE] = { "moves pages into place instead of copying", "Linux 6.8 or later", NULL,
			NULL, NULL, false },
	[RUNG_RING] = { "gives memory back in batches", "Linux 5.6 or later, with CONFIG_IO_URING",
			"/proc/sys/kernel/io_uring_disabled", "12",
			"sysctl -w kernel.io_uring_disabled=0", true },
	[RUNG_VECTOR] = { "gives many ranges back by one call", "Linux 6.13 or later", NULL, NULL,
			  NULL, true },
	[RUNG_HUGE_PAGES] = { "fewer faults and TLB misses",
			      "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled", NULL,
			      NULL, NULL, false },
	[RUNG_NODES] = { "memory on the node of its thread",
			 "docker run --cap-add SYS_NICE ..., or a profile with mbind", NULL, NULL,
			 NULL, true },
	[RUNG_BARRIER] = { "empties caches of sleeping threads", "Linux 4.14 or later", NULL, NULL,
			   NULL, true },
	[RUNG_PAGE_SCAN] = { "tells what is populated, page by page", "Linux 6.7 or later", NULL,
			     NULL, NULL, false },
	[RUNG_OVERCOMMIT] = { "address space is reserved at no cost",
			      "sysctl -w vm.overcommit_memory=0", NULL, NULL, NULL, false },
};

const char *remedy_purpose(const struct control_rung *rung)
{
	enum rung which = rung_of(rung);

	return which < RUNG_COUNT_ALL ? remedies[which].purpose : "";
}

static bool first_letter_is(const char *path, const char *letters)
{
	FILE *file = fopen(path, "re");
	int letter = file ? fgetc(file) : EOF;

	if (file)
		fclose(file);
	return letter != EOF && letter && strchr(letters, letter);
}

/* Why there is no helper, by words of its cause; the first that fits. */
static const struct silence {
	const char *words;
	const char *bare, *unit, *container;
} silences[] = {
	{ "helpers:never", "take helpers:never out of HAKMEM_OPTIONS", NULL, NULL },
	{ "control:off", "take control:off out of HAKMEM_OPTIONS", NULL, NULL },
	{ "task", "ulimit -u, higher", "TasksMax= and LimitNPROC= of UNIT, higher",
	  "docker run --pids-limit, higher (Kubernetes: podPidsLimit)" },
	{ "RLIMIT_NPROC", "ulimit -u, higher", "TasksMax= and LimitNPROC= of UNIT, higher",
	  "docker run --ulimit nproc=..., higher" },
	{ "PID namespace", "it comes once that child has been made", NULL, NULL },
	{ "/proc", "mount -t proc proc ROOT/proc", NULL, NULL },
	{ "stack", "more memory, or a higher limit of it", NULL, NULL },
	{ "WIPEONFORK", "a kernel of 4.14 or later, that lets madvise(2) through", NULL, NULL },
};

#define PROFILE                                                                     \
	"hakctl doctor --seccomp-profile > hakmem.json; docker run --security-opt " \
	"seccomp=hakmem.json ... (Kubernetes: seccompProfile, type Localhost)"
#define DROP_IN                                                    \
	"hakctl doctor --systemd-filter UNIT > hakmem.conf, into " \
	"/etc/systemd/system/UNIT.d; systemctl daemon-reload; systemctl restart UNIT"
#define BARE "the filter of the program, or of what starts it, with the calls of hakmem(7)"

/* Its words UNIT become the name. */
static const char *name_unit(const char *text, const char *name)
{
	static char line[512];
	size_t used = 0;

	while (*text && used + strlen(name) + 2 < sizeof(line)) {
		bool is_name = !strncmp(text, "UNIT", 4);

		used += (size_t)snprintf(line + used, sizeof(line) - used, "%.*s",
					 is_name ? (int)strlen(name) : 1, is_name ? name : text);
		text += is_name ? 4 : 1;
	}
	return line;
}

static bool is_in_container(void)
{
	return access("/.dockerenv", F_OK) == 0 || access("/run/.containerenv", F_OK) == 0;
}

static const char *by_setting(const struct process *process, const char *bare, const char *unit,
			      const char *container)
{
	struct process own = { .pid = getpid() };
	char name[128];
	enum process_setting setting = process_find_setting(process ? process : &own, name);

	if (container && (setting == PROCESS_IN_CONTAINER || is_in_container()))
		return container;
	return unit && setting == PROCESS_IN_UNIT ? name_unit(unit, name) : bare;
}

static const char *for_silence(const struct control_rung *rung, const struct process *process)
{
	for (size_t i = 0; i < sizeof(silences) / sizeof(silences[0]); i++)
		if (strstr(rung->cause, silences[i].words))
			return by_setting(process, silences[i].bare, silences[i].unit,
					  silences[i].container);
	return NULL;
}

static bool is_refused(const struct control_rung *rung, const struct process *process)
{
	char name[128];
	struct process own = { .pid = getpid() };

	if (rung->error == EPERM || rung->error == EACCES)
		return true;
	return rung->error == ENOSYS &&
	       process_find_setting(process ? process : &own, name) == PROCESS_IN_CONTAINER;
}

/* Of the calls that a filter refuses, those that matter; a few have a next best that is as good. */
static bool names_used_call(const char *cause)
{
	char word[64];

	while (*cause) {
		size_t length = strcspn(cause, " ,:;");

		snprintf(word, sizeof(word), "%.*s", (int)(length < 63 ? length : 63), cause);
		for (size_t i = 0; length && i < used_calls_count; i++)
			if (used_calls_has(used_calls_groups[i].names, word))
				return true;
		if (length && used_calls_has(used_calls_needed, word))
			return true;
		cause += length;
		cause += strspn(cause, " ,:;");
	}
	return false;
}

const char *remedy_line(const struct control_rung *rung, const struct process *process)
{
	enum rung which = rung_of(rung);
	const struct remedy *remedy;
	const char *line;

	/* Not for a call that it refuses: a profile is a filter, too. */
	if (strstr(rung->cause, "is in force"))
		return which == RUNG_HELPER ?
			       "helpers:always in HAKMEM_OPTIONS, if the filter refuses and does not kill" :
			       "";
	if (which == RUNG_FILTER)
		return names_used_call(rung->cause) ? by_setting(process, BARE, DROP_IN, PROFILE) :
						      "";
	if (strstr(rung->cause, "seccomp") || strstr(rung->cause, "filter"))
		return by_setting(process, BARE, DROP_IN, PROFILE);
	line = for_silence(rung, process);
	if (line || which == RUNG_COUNT_ALL)
		return line ? line : "";
	remedy = &remedies[which];
	if (remedy->sysctl && first_letter_is(remedy->sysctl, remedy->refusing))
		return remedy->sysctl_line;
	if (remedy->is_filtered && is_refused(rung, process))
		return by_setting(process, BARE, DROP_IN, PROFILE);
	return remedy->line;
}

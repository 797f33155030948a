/* SPDX-License-Identifier: MIT */
/* See thread_ids.h; look.c and stats_text.c call it. */
#include <config.h>

#include "hakctl/client/thread_ids.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hakctl/output/message.h"
#include "hakctl/client/remote.h"
#include "hakctl/output/text.h"

/* glibc has a thread's record behind its pointer on x86-64, and before it on arm64. */
enum { NEAR_BYTES = 2304, NEAR_WORDS = 2 * NEAR_BYTES / 4, MOST_TASKS = 1 << 16 };

struct task {
	uint32_t inner, outer; /* as the process sees itself; as we see it */
};

struct tasks {
	struct task *list;
	size_t count;
};

static int by_inner(const void *left, const void *right)
{
	const struct task *a = left, *b = right;

	return (a->inner > b->inner) - (a->inner < b->inner);
}

/* The last of "NSpid:\t4121\t7". */
static uint32_t inner_number(pid_t pid, uint32_t task)
{
	char path[96], line[256];
	uint32_t number = task;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%u/status", (int)pid, task);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, "NSpid:", 6)) {
			char *last = line + strlen(line);

			while (last > line && isspace((unsigned char)last[-1]))
				last--;
			while (last > line && isdigit((unsigned char)last[-1]))
				last--;
			number = (uint32_t)strtoul(last, NULL, 10);
		}
	if (file)
		fclose(file);
	return number;
}

static void read_tasks(const struct process *process, struct tasks *tasks)
{
	bool is_inside = process->inner_pid != process->pid;
	struct dirent *entry;
	char path[64];
	DIR *all;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)process->pid);
	all = opendir(path);
	*tasks = (struct tasks){ malloc(MOST_TASKS * sizeof(struct task)), 0 };
	if (!tasks->list)
		message_out_of_memory();
	while (all && tasks->count < MOST_TASKS && (entry = readdir(all))) {
		uint32_t outer = (uint32_t)strtoul(entry->d_name, NULL, 10);

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		tasks->list[tasks->count++] = (struct task){
			is_inside ? inner_number(process->pid, outer) : outer, outer
		};
	}
	if (all)
		closedir(all);
	qsort(tasks->list, tasks->count, sizeof(tasks->list[0]), by_inner);
}

static uint32_t outer_of(const struct tasks *tasks, uint32_t inner)
{
	struct task wanted = { .inner = inner };
	const struct task *found = tasks->count ? bsearch(&wanted, tasks->list, tasks->count,
							  sizeof(wanted), by_inner) :
						  NULL;

	return found && inner ? found->outer : 0;
}

/* What lies around the pointer, with zeroes where nothing can be read. */
static void read_near(const struct process *process, uint64_t pointer, uint32_t words[NEAR_WORDS])
{
	memset(words, 0, NEAR_WORDS * sizeof(words[0]));
	if (!remote_read(process, pointer - NEAR_BYTES, words, NEAR_WORDS * sizeof(words[0])))
		remote_read(process, pointer, words + NEAR_WORDS / 2, NEAR_BYTES);
}

/*
 * The number is at one distance for all threads: at which most of them have the number of a thread
 * that is there. A thread that has just ended has none.
 */
static size_t best_distance(const struct process *process, const struct tasks *tasks,
			    const uint64_t *pointers, size_t count)
{
	static uint32_t words[NEAR_WORDS], hits[NEAR_WORDS];
	size_t best = 0;

	memset(hits, 0, sizeof(hits));
	for (size_t i = 0; i < count; i++) {
		if (!pointers[i])
			continue;
		read_near(process, pointers[i], words);
		for (size_t at = 0; at < NEAR_WORDS; at++)
			hits[at] += words[at] && outer_of(tasks, words[at]);
	}
	for (size_t at = 0; at < NEAR_WORDS; at++)
		if (hits[at] > hits[best])
			best = at;
	return hits[best] ? best : NEAR_WORDS;
}

void thread_ids_find(const struct process *process, const uint64_t *pointers, size_t count,
		     uint32_t *ids)
{
	struct tasks tasks;
	size_t distance;

	memset(ids, 0, count * sizeof(ids[0]));
	read_tasks(process, &tasks);
	distance = best_distance(process, &tasks, pointers, count);
	for (size_t i = 0; distance < NEAR_WORDS && i < count; i++) {
		uint32_t inner = 0;

		if (pointers[i] &&
		    remote_read(process, pointers[i] - NEAR_BYTES + distance * sizeof(inner),
				&inner, sizeof(inner)))
			ids[i] = outer_of(&tasks, inner);
	}
	free(tasks.list);
}

void thread_ids_name(const struct process *process, uint32_t id, char name[32])
{
	char path[96];
	FILE *file;

	name[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/task/%u/comm", (int)process->pid, id);
	file = fopen(path, "re");
	if (!file)
		return;
	if (!fgets(name, 32, file))
		name[0] = '\0';
	fclose(file);
	name[strcspn(name, "\n")] = '\0';
	text_clean(name);
}

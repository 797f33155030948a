/* SPDX-License-Identifier: MIT */
/*
 * Reads /proc/self with plain system calls and buffers on the stack: stdio and opendir
 * would both call the allocator under test.
 */
#include "bench/process_view.h"

#include "bench/harness.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { TEXT_BYTES = 4096 };

/* The kernel's struct linux_dirent64, which has no header. */
struct directory_entry {
	uint64_t inode;
	int64_t offset;
	unsigned short length;
	unsigned char type;
	char name[];
};

typedef void visit_entry(const char *name, void *context);

static int open_file(const char *path, int flags)
{
	int file = open(path, O_RDONLY | O_CLOEXEC | flags);

	if (file < 0)
		harness_fail("cannot open a file of /proc/self");
	return file;
}

/* False if the file is not there: a thread may have ended. */
static bool read_text(const char *path, char *text)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length;

	if (file < 0)
		return false;
	length = read(file, text, TEXT_BYTES - 1);
	close(file);
	text[length < 0 ? 0 : length] = '\0';
	return length > 0;
}

static unsigned long number_after(const char *text, const char *key)
{
	const char *line = strstr(text, key);

	if (!line)
		harness_fail("a file of /proc/self lacks a line");
	return strtoul(line + strlen(key), NULL, 10);
}

static void visit_directory(const char *path, visit_entry *visit, void *context)
{
	_Alignas(struct directory_entry) char entries[TEXT_BYTES];
	int directory = open_file(path, O_DIRECTORY);
	long length;

	while ((length = syscall(SYS_getdents64, directory, entries, sizeof(entries))) >
	       0) {
		for (long at = 0; at < length;) {
			const struct directory_entry *entry =
				(const void *)(entries + at);

			if (entry->name[0] != '.')
				visit(entry->name, context);
			at += entry->length;
		}
	}
	close(directory);
}

struct process_view_memory process_view_memory(void)
{
	char text[TEXT_BYTES];

	if (!read_text("/proc/self/smaps_rollup", text))
		harness_fail("cannot read /proc/self/smaps_rollup");
	return (struct process_view_memory){
		.resident_kib = number_after(text, "\nRss:"),
		.huge_kib = number_after(text, "\nAnonHugePages:"),
		.private_dirty_kib = number_after(text, "\nPrivate_Dirty:"),
	};
}

unsigned int process_view_mappings(void)
{
	int file = open_file("/proc/self/maps", 0);
	unsigned int lines = 0;
	char text[TEXT_BYTES];
	ssize_t length;

	while ((length = read(file, text, sizeof(text))) > 0)
		for (ssize_t i = 0; i < length; i++)
			lines += text[i] == '\n';
	close(file);
	return lines;
}

static void count_entry(const char *name, void *context)
{
	unsigned int *count = context;

	(void)name;
	(*count)++;
}

unsigned int process_view_descriptors(void)
{
	unsigned int count = 0;

	visit_directory("/proc/self/fd", count_entry, &count);
	return count - 1; /* the directory itself was open */
}

struct others_search {
	const pid_t *own;
	unsigned int own_count;
	struct process_view_others found;
};

static bool is_own(const struct others_search *search, pid_t thread)
{
	for (unsigned int i = 0; i < search->own_count; i++)
		if (search->own[i] == thread)
			return true;
	return false;
}

static void add_other(const char *name, void *context)
{
	struct others_search *search = context;
	pid_t thread = (pid_t)strtol(name, NULL, 10);
	char text[TEXT_BYTES];
	char path[64];

	if (is_own(search, thread))
		return;
	snprintf(path, sizeof(path), "/proc/%d/status", (int)thread);
	if (!read_text(path, text))
		return;
	search->found.threads++;
	search->found.switches += number_after(text, "\nvoluntary_ctxt_switches:") +
				  number_after(text, "\nnonvoluntary_ctxt_switches:");
}

struct process_view_others process_view_others(const pid_t *own, unsigned int own_count)
{
	struct others_search search = { .own = own, .own_count = own_count };
	pid_t helper = process_view_helper();
	char path[32];

	visit_directory("/proc/self/task", add_other, &search);
	if (helper) {
		snprintf(path, sizeof(path), "/proc/%d/task", (int)helper);
		visit_directory(path, add_other, &search);
	}
	return search.found;
}

static void find_helper(const char *name, void *context)
{
	pid_t process = (pid_t)strtol(name, NULL, 10), *found = context;
	char text[TEXT_BYTES], path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", (int)process);
	if (process > 0 && read_text(path, text) && strstr(text, "Name:\thakmem-helper\n") &&
	    (pid_t)number_after(text, "\nPPid:") == getpid())
		*found = process;
}

pid_t process_view_helper(void)
{
	pid_t found = 0;

	visit_directory("/proc", find_helper, &found);
	return found;
}

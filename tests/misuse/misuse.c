/* SPDX-License-Identifier: MIT */
/*
 * Starts the parts that commit misuse and compares what they announced with what the
 * library said. Called by the programs of this folder.
 */
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"
#include "tests/misuse/misuse.h"

void announce(const char *format, ...)
{
	struct rlimit none = { 0, 0 };
	char line[512] = "hakmem: ";
	size_t length = strlen(line);
	va_list list;

	va_start(list, format);
	length += (size_t)vsnprintf(line + length, sizeof(line) - length - 1, format, list);
	va_end(list);
	line[length++] = '\n';
	/* not dprintf: it allocates, and could be given the very memory that is misused next */
	CHECK(write(1, line, length) == (ssize_t)length);
	/* this process is going to abort, and nobody wants to see its core */
	setrlimit(RLIMIT_CORE, &none);
}

/*
 * What follows the message: "hakmem: in process 4121 (double_free), thread 4121, called from", and
 * places.
 */
static bool ends_with_who_called(const char *text)
{
	char name[64] = "";
	int pid, thread, length = 0;

	if (sscanf(text, "hakmem: in process %d (%63[^)]), thread %d%n", &pid, name, &thread,
		   &length) != 3 ||
	    pid <= 0 || thread <= 0 || strcmp(name, program_invocation_short_name))
		return false;
	if (strncmp(text + length, ", called from\n", 14))
		return text[length] == '\n' && !text[length + 1];
	/* This program is among them, and each is a line of its own. */
	if (!strstr(text, name) || !strstr(text, "(+0x"))
		return false;
	for (text += length + 14; *text; text += strcspn(text, "\n") + 1)
		if (strncmp(text, "hakmem:   ", 10))
			return false;
	return true;
}

/* Whether the text begins with exactly one of the lines, with its newline. */
static bool is_one_of(const char *text, const char *lines)
{
	size_t length = strcspn(text, "\n") + 1;

	if (!ends_with_who_called(text + length))
		return false;
	for (; *lines; lines += strcspn(lines, "\n") + 1)
		if (!strncmp(lines, text, length))
			return true;
	return false;
}

void expect_abort(const char *part, const char *argument)
{
	static struct child child;
	const char *name = argument ? argument : "";

	child_run_case(&child, part, argument, NULL);
	CHECK_THAT(!child_succeeded(&child), "%s %s was not noticed\nexpected: %s%s",
		   part, name, child.output, child.errors);
	CHECK_THAT(WIFSIGNALED(child.status) && WTERMSIG(child.status) == SIGABRT,
		   "%s %s did not abort; wait status %x\nexpected: %sfound:    %s", part,
		   name, (unsigned int)child.status, child.output, child.errors);
	CHECK_THAT(is_one_of(child.errors, child.output),
		   "%s %s has another message\nexpected: %sfound:    %s", part, name,
		   child.output, child.errors);
}

void expect_abort_in_every_class(const char *part)
{
	size_t sizes[SIZE_CLASSES_ROOM];
	size_t count = size_classes_find(sizes, MIB);
	char text[32];

	CHECK(count > 8);
	for (size_t i = 0; i < count; i++) {
		snprintf(text, sizeof(text), "%zu", sizes[i]);
		expect_abort(part, text);
	}
}

void expect_abort_in_some_classes(const char *part)
{
	static const char *const sizes[] = { "32",     "64",	 "256",	  "1000",
					     "1024",   "3000",	 "4096",  "8000",
					     "8192",   "10000",	 "40000", "65536",
					     "250000", "1048576" };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		expect_abort(part, sizes[i]);
}

size_t announced_size(void)
{
	CHECK(contract_argument());
	return strtoul(contract_argument(), NULL, 10);
}

void free_as(void *block, size_t size)
{
	void (*free_sized)(void *, size_t) =
		(void (*)(void *, size_t))dlsym(RTLD_DEFAULT, "free_sized");

	CHECK(free_sized);
	free_sized(block, size);
}

size_t class_of(void *block)
{
	CHECK(block);
	return malloc_usable_size(block);
}

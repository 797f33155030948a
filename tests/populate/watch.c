/* SPDX-License-Identifier: MIT */
/*
 * See watch.h. Called by the programs of this folder; they are not linked with the
 * library, so its functions are looked up by name.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"
#include "tests/populate/watch.h"

size_t counter(const char *name)
{
	size_t (*read_counter)(const char *name) =
		(size_t (*)(const char *))dlsym(RTLD_DEFAULT, "hak_stats_read");
	size_t value;

	CHECK_THAT(read_counter, "the library has no hak_stats_read");
	value = read_counter(name);
	CHECK_THAT(value != (size_t)-1, "there is no counter %s", name);
	return value;
}

const char *mode(void)
{
	static char text[256];
	void (*say)(char *text, size_t bytes) =
		(void (*)(char *, size_t))dlsym(RTLD_DEFAULT, "hak_mode");

	CHECK_THAT(say, "the library has no hak_mode");
	say(text, sizeof(text));
	return text;
}

bool task_status(pid_t task, const char *name, char *text, size_t room)
{
	char path[64], line[512];
	size_t length = strlen(name);
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)task);
	file = fopen(path, "re");
	while (file && !found && fgets(line, sizeof(line), file)) {
		found = !strncmp(line, name, length) && line[length] == ':';
		if (found)
			snprintf(text, room, "%s", line + length + 2);
	}
	if (file)
		fclose(file);
	return found;
}

/* A living child of ours that is called so; none but a task of the library's is. */
static bool is_helper(pid_t process)
{
	char name[64], parent[64], state[64];

	return task_status(process, "Name", name, sizeof(name)) &&
	       !strcmp(name, "hakmem-helper\n") &&
	       task_status(process, "PPid", parent, sizeof(parent)) &&
	       atoi(parent) == (int)getpid() &&
	       task_status(process, "State", state, sizeof(state)) && state[0] != 'Z';
}

pid_t helper_task(void)
{
	DIR *processes = opendir("/proc");
	struct dirent *entry;
	pid_t found = 0;

	if (!processes || access("/proc/self/status", R_OK))
		need_proc();
	CHECK(processes);
	while (!found && (entry = readdir(processes))) {
		pid_t process = (pid_t)atoi(entry->d_name);

		if (process && is_helper(process))
			found = process;
	}
	closedir(processes);
	return found;
}

void sleep_ms(unsigned int ms)
{
	usleep(ms * 1000);
}

bool wait_for(bool (*condition)(void), unsigned int ms)
{
	uint64_t end = now_us() + (uint64_t)ms * 1000;

	while (!condition()) {
		if (now_us() > end)
			return false;
		sleep_ms(5);
	}
	return true;
}

size_t populated_ahead(void)
{
	return counter("populate.moved_bytes") + counter("populate.copied_bytes") +
	       counter("populate.touched_bytes");
}

bool grow_until_helped(size_t before, size_t most)
{
	struct growth growth = { NULL, 4000, 0 };

	for (size_t grown = 0; grown < most && populated_ahead() == before; grown += 4 * MIB)
		growth_add(&growth, 4 * MIB, 500);
	growth_check(&growth);
	growth_free(&growth);
	return populated_ahead() > before;
}

void start_helper(void)
{
	if (grow_until_helped(populated_ahead(), STARTING_BYTES))
		return;
	need_helper_allowed();
	CHECK_THAT(false, "the helper populated nothing: %s", mode());
}

bool huge_pages_are(const char *setting)
{
	FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "re");
	char text[128];
	bool found;

	if (!file)
		return false;
	found = fgets(text, sizeof(text), file) && strstr(text, setting);
	fclose(file);
	return found;
}

void need_lockable_memory(void)
{
	struct rlimit limit;

	CHECK(!getrlimit(RLIMIT_MEMLOCK, &limit));
	if (geteuid() && limit.rlim_cur < GIB)
		contract_skip("only %zu KiB may be locked", (size_t)limit.rlim_cur / 1024);
}

void wait_for_quiet(void)
{
	size_t seen = 0, now = 1;

	for (int i = 0; i < 50 && seen != now; i++) {
		seen = now;
		sleep_ms(100);
		now = populated_ahead() + counter("populate.dropped_bytes") +
		      counter("populate.ahead_bytes") + counter("populate.stock_bytes");
	}
}

void growth_add(struct growth *growth, size_t bytes, unsigned int pause_us)
{
	size_t size = growth->block_bytes, since_pause = 0;

	for (size_t done = 0; done < bytes; done += size) {
		char *block = malloc(size);

		CHECK_THAT(block, "no block of %zu bytes", size);
		memcpy(block, &growth->last, sizeof(void *));
		pattern_write(block + sizeof(void *), size - sizeof(void *),
			      growth->blocks++);
		growth->last = block;
		since_pause += size;
		if (pause_us && since_pause >= MIB) {
			usleep(pause_us);
			since_pause = 0;
		}
	}
}

void growth_check(const struct growth *growth)
{
	size_t number = growth->blocks, size = growth->block_bytes;

	for (char *block = growth->last; block; memcpy(&block, (void *)block, sizeof(block)))
		CHECK_THAT(pattern_holds(block + sizeof(void *), size - sizeof(void *),
					 --number),
			   "process %d: the block at %p, %zu bytes, was overwritten",
			   (int)getpid(), (void *)block, size);
	CHECK_THAT(number == 0, "%zu blocks were lost", number);
}

void growth_free(struct growth *growth)
{
	while (growth->last) {
		void *block = growth->last;

		memcpy(&growth->last, block, sizeof(void *));
		free(block);
	}
	growth->blocks = 0;
}

size_t mapping_count(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	size_t count = 0;
	int c;

	CHECK(maps);
	while ((c = getc(maps)) != EOF)
		count += c == '\n';
	fclose(maps);
	return count;
}

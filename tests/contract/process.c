/* SPDX-License-Identifier: MIT */
/*
 * Starts programs with their output kept, and reads /proc; see process.h. Uses no stdio
 * stream and no heap, so that it may be called while the heap is exhausted.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/contract/case.h"
#include "tests/contract/process.h"

static void change_environment(const char *const changes[])
{
	for (; changes && *changes; changes++) {
		if (strchr(*changes, '='))
			putenv((char *)*changes);
		else
			unsetenv(*changes);
	}
}

int scratch_file(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC);

	if (fd < 0)
		fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	CHECK_THAT(fd >= 0, "no file for %s: %s", name, strerror(errno));
	return fd;
}

static void text_read(int fd, char text[CHILD_TEXT_BYTES])
{
	ssize_t length = pread(fd, text, CHILD_TEXT_BYTES - 1, 0);

	CHECK_THAT(length >= 0, "reading a child's output: %s", strerror(errno));
	text[length] = '\0';
	close(fd);
}

void child_run(struct child *child, const char *const argv[], const char *const changes[])
{
	/* They take any amount: a pipe would have to be emptied. */
	int output = scratch_file("output"), errors = scratch_file("errors");
	pid_t pid = fork();

	CHECK_THAT(pid >= 0, "fork: %s", strerror(errno));
	if (pid == 0) {
		dup2(output, 1);
		dup2(errors, 2);
		change_environment(changes);
		alarm(CONTRACT_LIMIT_S);
		execvp(argv[0], (char *const *)argv);
		_exit(errno == ENOENT ? 127 : 126);
	}
	while (waitpid(pid, &child->status, 0) != pid)
		CHECK_THAT(errno == EINTR, "waitpid: %s", strerror(errno));
	text_read(output, child->output);
	text_read(errors, child->errors);
}

void child_run_case(struct child *child, const char *name, const char *argument,
		    const char *const changes[])
{
	const char *argv[] = { contract_program(), name, argument, NULL };

	child_run(child, argv, changes);
}

bool child_succeeded(const struct child *child)
{
	return WIFEXITED(child->status) && WEXITSTATUS(child->status) == 0;
}

void expect_success(int pid)
{
	int status = 0;

	CHECK_THAT(pid > 0, "fork: %s", strerror(errno));
	while (waitpid(pid, &status, 0) != pid)
		CHECK_THAT(errno == EINTR, "waitpid: %s", strerror(errno));
	if (WIFSIGNALED(status))
		CHECK_THAT(false, "the child died by signal %d%s", WTERMSIG(status),
			   WTERMSIG(status) == SIGALRM ? ": it hung" : "");
	CHECK_THAT(WEXITSTATUS(status) == 0, "the child exited with %d",
		   WEXITSTATUS(status));
}

void need_proc(void)
{
	if (access("/proc/self", F_OK))
		contract_skip("/proc is not mounted");
}

static void file_read(const char *file, char *text, size_t room)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	size_t length = 0;
	ssize_t got = 0;

	if (fd < 0)
		need_proc();
	CHECK_THAT(fd >= 0, "%s: %s", file, strerror(errno));
	while (length < room - 1 &&
	       (got = read(fd, text + length, room - 1 - length)) > 0)
		length += (size_t)got;
	text[length] = '\0';
	close(fd);
}

size_t kib_of_line(const char *file, const char *line)
{
	char text[8192];
	char *place;

	file_read(file, text, sizeof(text));
	place = strstr(text, line);
	if (!place)
		return 0;
	return strtoul(place + strlen(line) + strspn(place + strlen(line), ": \t"), NULL,
		       10);
}

static void *do_nothing(void *unused)
{
	return unused;
}

void start_thread(pthread_t *thread, const pthread_attr_t *attributes,
		  void *(*body)(void *argument), void *argument)
{
	int error = pthread_create(thread, attributes, body, argument);

	if (error)
		contract_skip("no thread: %s", strerror(error));
}

void need_threads(void)
{
	pthread_t thread;

	start_thread(&thread, NULL, do_nothing, NULL);
	pthread_join(thread, NULL);
}

uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static uint64_t rounds_us(void)
{
	const char *seconds = getenv("CONTRACT_SECONDS");

	return 1000000 * (seconds ? strtoul(seconds, NULL, 10) : 5);
}

bool next_round(struct rounds *rounds)
{
	if (rounds->count == 0)
		rounds->begun_us = now_us();
	else if (rounds->count > 1 && now_us() - rounds->begun_us > rounds_us())
		return false;
	return rounds->count++ < rounds->most;
}

void need_madvise(void)
{
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(page != MAP_FAILED);
	if (madvise(page, 4096, MADV_DONTNEED))
		contract_skip("madvise(2) is refused: %s", strerror(errno));
	munmap(page, 4096);
}

void need_helper_possible(void)
{
	need_threads();
	need_madvise();	/* of which it wants MADV_WIPEONFORK */
}

void need_helper_allowed(void)
{
	need_helper_possible();
	skip_under_filter("there is no helper");
}

void skip_under_filter(const char *what_else)
{
	if (kib_of_line("/proc/self/status", "Seccomp"))
		contract_skip("under a seccomp filter %s", what_else);
}

size_t resident_bytes(void)
{
	char text[256];
	char *end;

	file_read("/proc/self/statm", text, sizeof(text));
	strtoul(text, &end, 10);
	return strtoul(end, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}

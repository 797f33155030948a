/* SPDX-License-Identifier: MIT */
/* Runs the dynamic loader with --list and reads the objects that it names. */
#include <config.h>

#include "hakctl/run/loader.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static bool loader_spawn(struct loader *loader, const char *interpreter,
			 const char *program, int output)
{
	char *arguments[] = { (char *)interpreter, (char *)"--list", (char *)program,
			      NULL };
	posix_spawn_file_actions_t actions;
	int failure = posix_spawn_file_actions_init(&actions);

	if (failure == 0)
		failure =
			posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	/* Its complaints would come twice: it makes them again when the program starts. */
	if (failure == 0)
		failure = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO,
							   "/dev/null", O_WRONLY, 0);
	if (failure == 0)
		failure = posix_spawn(&loader->pid, interpreter, &actions, NULL,
				      arguments, environ);
	posix_spawn_file_actions_destroy(&actions);
	errno = failure;
	return failure == 0;
}

bool loader_open(struct loader *loader, const char *interpreter, const char *program)
{
	int ends[2];
	bool spawned;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return false;
	spawned = loader_spawn(loader, interpreter, program, ends[1]);
	close(ends[1]);
	if (!spawned) {
		close(ends[0]);
		return false;
	}
	loader->output = fdopen(ends[0], "r");
	return loader->output != NULL;
}

/*
 * "\tlibc.so.6 => /lib/libc.so.6 (0x...)" or "\t/lib64/ld.so (0x...)": the path is what
 * stands behind the arrow, or else the first word, up to the address.
 */
static bool path_in_line(char *line, char path[PATH_MAX])
{
	char *arrow = strstr(line, " => ");
	char *start = arrow ? arrow + 4 : line + strspn(line, " \t");
	char *end = strstr(start, " (0x");

	if (!end || start[0] != '/' || end - start >= PATH_MAX)
		return false;
	memcpy(path, start, (size_t)(end - start));
	path[end - start] = '\0';
	return true;
}

const char *loader_next(struct loader *loader)
{
	char line[2 * PATH_MAX];

	while (fgets(line, sizeof(line), loader->output))
		if (path_in_line(line, loader->path))
			return loader->path;
	return NULL;
}

bool loader_close(struct loader *loader)
{
	int status = 0;

	fclose(loader->output);
	while (waitpid(loader->pid, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

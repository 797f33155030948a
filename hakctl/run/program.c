/* SPDX-License-Identifier: MIT */
/*
 * Judges whether a program can be preloaded; run.c asks.
 *
 *   program_find        PATH
 *   program_accepts ──► follows #! lines
 *     accepts_file        set-uid, capabilities
 *     accepts_elf         architecture, static, own malloc
 *     accepts_objects     what the loader says
 */
#include <config.h>

#include "hakctl/run/program.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "hakctl/client/elf_file.h"
#include "hakctl/run/loader.h"
#include "hakctl/output/message.h"

/* The kernel follows a script to an interpreter that is a script, but not for ever. */
enum { DEEPEST_SCRIPT = 4, LONGEST_FIRST_LINE = 256, LONGEST_SCRIPT = 1024 };

static enum exit_code find_by_path(const char *name, char path[PATH_MAX])
{
	struct stat status;

	if (stat(name, &status) != 0) {
		bool missing = errno == ENOENT || errno == ENOTDIR;

		message_error("%s: %s", name, strerror(errno));
		return missing ? EXIT_NO_TARGET : EXIT_REFUSED;
	}
	if (S_ISDIR(status.st_mode)) {
		message_error("%s: is a directory, not a program", name);
		return EXIT_REFUSED;
	}
	if (access(name, X_OK) != 0) {
		message_error("%s: not executable; `chmod +x` makes it so", name);
		return EXIT_REFUSED;
	}
	return snprintf(path, PATH_MAX, "%s", name) < PATH_MAX ? EXIT_DONE : EXIT_REFUSED;
}

/* Like execvp, goes on past what cannot be executed; false leaves that in PATH, or "". */
static bool find_in_folders(const char *folders, const char *name, char path[PATH_MAX])
{
	char refused[PATH_MAX] = "";

	while (folders) {
		const char *end = strchrnul(folders, ':');
		int length = (int)(end - folders);
		struct stat status;

		/* An empty entry is the current folder. */
		snprintf(path, PATH_MAX, "%.*s%s%s", length, folders, length ? "/" : "",
			 name);
		if (stat(path, &status) == 0 && S_ISREG(status.st_mode)) {
			if (access(path, X_OK) == 0)
				return true;
			if (!refused[0])
				memcpy(refused, path, PATH_MAX);
		}
		folders = *end ? end + 1 : NULL;
	}
	memcpy(path, refused, PATH_MAX);
	return false;
}

enum exit_code program_find(const char *name, char path[PATH_MAX])
{
	const char *folders = getenv("PATH");

	if (strchr(name, '/'))
		return find_by_path(name, path);
	if (name[0] && find_in_folders(folders ? folders : "/bin:/usr/bin", name, path))
		return EXIT_DONE;
	if (name[0] && path[0])
		return find_by_path(path, path);
	message_error("%s: no such program in PATH", name[0] ? name : "\"\"");
	return EXIT_NO_TARGET;
}

/* The starter of snaps is a link by the snap's name; what it starts is set-uid. */
static bool is_snap(const char *path)
{
	char real[PATH_MAX];
	const char *name = strrchr(path, '/');

	return realpath(path, real) && !strcmp(basename(real), "snap") && name &&
	       strcmp(name + 1, "snap") != 0;
}

/* In these the loader ignores LD_PRELOAD, and says nothing. */
static bool accepts_file(const char *path)
{
	struct stat status;

	if (is_snap(path)) {
		message_error("%s: is a snap, which starts without LD_PRELOAD", path);
		return false;
	}

	if (stat(path, &status) != 0) {
		message_error("%s: %s", path, strerror(errno));
		return false;
	}
	if (status.st_mode & (S_ISUID | S_ISGID)) {
		message_error("%s: is set-%s; nothing can be preloaded into it", path,
			      status.st_mode & S_ISUID ? "uid" : "gid");
		return false;
	}
	if (getxattr(path, "security.capability", NULL, 0) > 0) {
		message_error(
			"%s: has file capabilities; nothing can be preloaded into it",
			path);
		return false;
	}
	return true;
}

/* Such a library needs the malloc that it brings, and stops when it is not the first. */
static bool is_sanitizer(const char *path)
{
	static const char *const names[] = { "libasan.", "libhwasan.", "liblsan.",
					     "libmsan.", "libtsan." };
	const char *name = strrchr(path, '/') + 1;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strncmp(name, names[i], strlen(names[i])))
			return true;
	return false;
}

/*
 * Names of other allocators that hakmem has not: what is allocated by them, or asked, is theirs.
 * jemalloc's without a prefix are hakmem's as well.
 */
static void note_other_names(struct elf_file *file, const char *path, const char *object)
{
	static const struct {
		const char *name, *what;
	} others[] = {
		{ "je_malloc", "je_malloc's blocks are not hakmem's, but of the jemalloc in" },
		{ "_rjem_malloc", "Rust's blocks are not hakmem's, but of the jemalloc in" },
		{ "MallocExtension_GetStats", "MallocExtension_* asks an idle tcmalloc, of" },
		{ "mi_heap_new", "blocks of mi_* are not hakmem's, but of the mimalloc in" },
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (elf_file_defines(file, others[i].name))
			message_error("%s: %s %s", path, others[i].what, object);
}

static bool accepts_object(const char *path, const char *object, bool verbose)
{
	struct elf_file file;
	bool accepted = true;

	if (is_sanitizer(object)) {
		message_error(
			"%s: is built with a sanitizer, which needs the malloc of %s",
			path, object);
		return false;
	}
	if (!strncmp(strrchr(object, '/') + 1, "libc.so.", 8))
		return true;
	if (!elf_file_open(&file, object))
		return true;
	if (elf_file_is_elf(&file) && elf_file_is_64_bit(&file) &&
	    (verbose || isatty(STDERR_FILENO)))
		note_other_names(&file, path, object);
	if (elf_file_is_elf(&file) && elf_file_is_64_bit(&file) &&
	    elf_file_defines(&file, "malloc")) {
		accepted = !elf_file_is_symbolic(&file);
		if (!accepted)
			message_error(
				"%s: its library %s is bound to a malloc of its own",
				path, object);
		else if (verbose)
			message_error("%s: hakmem goes before the malloc of %s", path,
				      object);
	}
	elf_file_close(&file);
	return accepted;
}

/* The loader's own word is the last: it knows why a library cannot be loaded. */
static bool accepts_objects(const char *path, const char *interpreter,
			    const char *library, bool verbose)
{
	struct loader loader;
	const char *object;
	bool accepted = true;
	bool found = false;
	char real[PATH_MAX];

	/* As the kernel starts it: a library beside the program is not beside a link to it. */
	if (!realpath(path, real))
		snprintf(real, sizeof(real), "%s", path);
	if (!loader_open(&loader, interpreter, real)) {
		message_error("%s: its loader %s: %s", path, interpreter,
			      strerror(errno));
		return false;
	}
	while ((object = loader_next(&loader))) {
		if (!strcmp(object, library))
			found = true;
		else if (accepted)
			accepted = accepts_object(path, object, verbose);
	}
	if (!loader_close(&loader)) {
		message_error("%s: the loader cannot load it; `%s --list %s` says why",
			      path, interpreter, path);
		return false;
	}
	if (accepted && !found)
		message_error("%s: its loader %s does not preload %s", path, interpreter,
			      library);
	return accepted && found;
}

static bool accepts_elf(struct elf_file *file, const char *path,
			const char *library, bool verbose)
{
	const char *interpreter;

	if (!elf_file_is_64_bit(file)) {
		message_error("%s: is a 32-bit program; hakmem is for 64-bit ones", path);
		return false;
	}
	if (!elf_file_is_for_this_machine(file)) {
		message_error("%s: is a program for another architecture", path);
		return false;
	}
	interpreter = elf_file_interpreter(file);
	if (!interpreter) {
		message_error("%s: is linked statically; nothing can be preloaded into it%s", path,
			      elf_file_is_go(file) ? ", and Go has an allocator of its own" : "");
		return false;
	}
	if (strstr(interpreter, "ld-musl")) {
		message_error("%s: is built for musl; hakmem is for glibc", path);
		return false;
	}
	if (elf_file_defines(file, "malloc")) {
		message_error("%s: has an allocator of its own (it defines malloc), "
			      "which goes before any preloaded one",
			      path);
		return false;
	}
	if (elf_file_is_go(file) && (verbose || isatty(STDERR_FILENO)))
		message_error("%s: what Go allocates is not hakmem's, what C allocates in it is",
			      path);
	if (verbose || isatty(STDERR_FILENO))
		note_other_names(file, path, path);
	return accepts_objects(path, interpreter, library, verbose);
}

/*
 * The program behind the first line of a script: its interpreter, or what `env` starts.
 * A text without such a line is for the shell, as execvp has it.
 */
static void interpreter_of(const struct elf_file *script, char path[PATH_MAX])
{
	char line[LONGEST_FIRST_LINE] = "";
	size_t size = script->size < sizeof(line) ? script->size : sizeof(line) - 1;
	char *rest = line;
	char *word, *argument;

	if (size)
		memcpy(line, script->bytes, size);
	snprintf(path, PATH_MAX, "/bin/sh");
	if (strncmp(line, "#!", 2))
		return;
	line[strcspn(line, "\n")] = '\0';
	rest = line + 2;
	word = strtok_r(rest, " \t", &rest);
	if (!word)
		return;
	snprintf(path, PATH_MAX, "%s", word);
	argument = strtok_r(NULL, " \t", &rest);
	if (argument && !strcmp(argument, "-S"))
		argument = strtok_r(NULL, " \t", &rest);
	if (!argument || argument[0] == '-' || strcmp(basename(word), "env"))
		return;
	/* What it is about is what env starts; if there is no such program, env says so. */
	if (!find_in_folders(getenv("PATH"), argument, path))
		snprintf(path, PATH_MAX, "%s", word);
}

/* Scripts that `flatpak` makes; it clears the environment of what it starts. */
static bool is_flatpak(const struct elf_file *script)
{
	size_t size = script->size < LONGEST_SCRIPT ? script->size : LONGEST_SCRIPT;

	return memmem(script->bytes, size, "flatpak run ", strlen("flatpak run "));
}

bool program_accepts(const char *path, const char *library, bool verbose)
{
	char current[PATH_MAX], next[PATH_MAX];

	snprintf(current, sizeof(current), "%s", path);
	for (int depth = 0; depth <= DEEPEST_SCRIPT; depth++) {
		struct elf_file file;
		bool accepted;

		if (!accepts_file(current))
			return false;
		/* What may be executed but not read is started unseen. */
		if (!elf_file_open(&file, current))
			return true;
		if (elf_file_is_elf(&file)) {
			accepted = accepts_elf(&file, current, library, verbose);
			elf_file_close(&file);
			return accepted;
		}
		accepted = !is_flatpak(&file);
		interpreter_of(&file, next);
		elf_file_close(&file);
		if (!accepted) {
			message_error("%s: starts a flatpak, which is without LD_PRELOAD", current);
			return false;
		}
		memcpy(current, next, sizeof(current));
	}
	message_error("%s: its interpreters are scripts without end", path);
	return false;
}

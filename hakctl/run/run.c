/* SPDX-License-Identifier: MIT */
/*
 * `hakctl run`: starts a program with libhakmem.so preloaded, in place of hakctl itself.
 * Refuses, with the reason, where the library would silently not be used.
 */
#include <config.h>

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hakctl/command.h"
#include "hakctl/client/library.h"
#include "hakctl/client/option_table.h"
#include "hakctl/output/message.h"
#include "hakctl/run/program.h"

struct request {
	char library[PATH_MAX];
	bool verbose;
	char **command; /* COMMAND and its arguments, ended by NULL */
};

/* Set VARIABLE to FIRST and SECOND, or to the one that is not empty. */
static bool set_joined(const char *variable, const char *first, char separator,
		       const char *second)
{
	char *value;
	bool done;

	if (!first || !first[0] || !second || !second[0])
		return setenv(variable, first && first[0] ? first : second, 1) == 0;
	if (asprintf(&value, "%s%c%s", first, separator, second) < 0)
		return false;
	done = setenv(variable, value, 1) == 0;
	free(value);
	return done;
}

/* Only the form; the library knows the keys, and says so when it starts. */
static bool options_are_well_formed(const char *options)
{
	for (const char *key = options; key;) {
		size_t length = strcspn(key, ":,");
		const char *end = strchr(key, ',');

		if (length == 0 || key[length] != ':')
			return false;
		key = end ? end + 1 : NULL;
	}
	return true;
}

static enum exit_code take_options(const char *options, void *unused)
{
	(void)unused;
	if (!options_are_well_formed(options)) {
		message_error("run: --options wants KEY:VALUE[,KEY:VALUE...], not \"%s\"",
			      options);
		return EXIT_USAGE;
	}
	/* The last of two settings of a key counts. */
	if (!set_joined("HAKMEM_OPTIONS", getenv("HAKMEM_OPTIONS"), ',', options)) {
		message_error("run: %s", strerror(errno));
		return EXIT_REFUSED;
	}
	return EXIT_DONE;
}

/* An absolute path: the program may change its directory and start others. */
static enum exit_code take_library(const char *path, void *into)
{
	struct request *request = into;

	if (!realpath(path, request->library)) {
		message_error("run: the library %s: %s", path, strerror(errno));
		return EXIT_REFUSED;
	}
	return EXIT_DONE;
}

static enum exit_code take_arguments(struct request *request, int argc, char **argv)
{
	const struct option_row rows[] = {
		{ "lib", 'l', .call = take_library, .into = request },
		{ "options", 'o', .call = take_options },
		{ "verbose", 'v', .flag = &request->verbose },
		{ NULL },
	};
	/* What follows COMMAND is the command's own. */
	enum exit_code code = option_table_take(argc, argv, rows, true);

	request->command = argv + optind;
	if (code == EXIT_DONE && !request->command[0]) {
		message_error("run: no command; usage: hakctl run %s",
			      run_command.arguments);
		code = EXIT_USAGE;
	}
	return code;
}

/* The loader splits LD_PRELOAD at these, and knows no way to quote them. */
static enum exit_code choose_library(struct request *request)
{
	if (!request->library[0] && !library_find(request->library)) {
		message_error("run: libhakmem.so is neither beside hakctl nor in %s; "
			      "--lib PATH says where it is",
			      LIBDIR);
		return EXIT_REFUSED;
	}
	if (strpbrk(request->library, " :")) {
		message_error(
			"run: LD_PRELOAD cannot hold a path with a space or a colon: %s",
			request->library);
		return EXIT_REFUSED;
	}
	/* What is there already stays, behind ours: of two allocators the first counts. */
	if (!set_joined("LD_PRELOAD", request->library, ':', getenv("LD_PRELOAD"))) {
		message_error("run: %s", strerror(errno));
		return EXIT_REFUSED;
	}
	return EXIT_DONE;
}

static int run_run(int argc, char **argv)
{
	struct request request = { .library = "" };
	char path[PATH_MAX];
	enum exit_code code = take_arguments(&request, argc, argv);

	if (code == EXIT_DONE)
		code = program_find(request.command[0], path);
	if (code == EXIT_DONE)
		code = choose_library(&request);
	if (code != EXIT_DONE)
		return code;
	if (!program_accepts(path, request.library, request.verbose))
		return EXIT_REFUSED;
	if (request.verbose)
		message_error("%s: starting with %s", path, request.library);
	execvp(request.command[0], request.command);
	/* It was there a moment ago, so this is a refusal, whatever the reason. */
	message_error("%s: %s", request.command[0], strerror(errno));
	return EXIT_REFUSED;
}

const struct command run_command = {
	.name = "run",
	.arguments = "[-v] [-l PATH] [-o KEY:VALUE,...] [--] COMMAND [ARGUMENTS]",
	.summary = "run a program on hakmem's allocator",
	.help = "  -l, --lib PATH       preload this library, not the one found beside hakctl\n"
		"  -o, --options LIST   add KEY:VALUE,... to HAKMEM_OPTIONS; see hakmem(7)\n"
		"  -v, --verbose        say which program and library are used\n"
		"\n"
		"What LD_PRELOAD holds already stays in it. A program in which the library\n"
		"would silently not be used is refused: one that is set-uid, set-gid or a\n"
		"snap, has file capabilities, is linked statically, is for another architecture, or\n"
		"has an allocator of its own. A script is judged by its interpreter.\n"
		"\n"
		"Exit codes: the command's own, once it runs; before that, 1 if the program\n"
		"was refused, 2 for wrong usage, 3 if there is no such program.\n",
	.run = run_run,
};

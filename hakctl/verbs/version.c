/* SPDX-License-Identifier: MIT */
/* `hakctl version`: which hakctl this is, and which library `hakctl run` would take. */
#include <config.h>

#include <limits.h>
#include <stdio.h>

#include "hakctl/command.h"
#include "hakctl/client/library.h"
#include "hakctl/output/message.h"

static int version_run(int argc, char **argv)
{
	char path[PATH_MAX];

	(void)argv;
	if (argc > 1) {
		message_error("version: takes no arguments");
		return EXIT_USAGE;
	}
	printf("hakctl %s\n", PACKAGE_VERSION);
	if (library_find(path))
		printf("library %s\n", path);
	else
		puts("library not found");
	return EXIT_DONE;
}

const struct command version_command = {
	.name = "version",
	.arguments = "",
	.summary = "print the version, and where the library is",
	.help = "",
	.run = version_run,
};

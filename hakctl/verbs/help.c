/* SPDX-License-Identifier: MIT */
/* `hakctl help [VERB]`: the list of verbs, or all about one of them. */
#include <config.h>

#include <stdio.h>

#include "hakctl/command.h"
#include "hakctl/output/message.h"

static void help_on(const struct command *command)
{
	printf("usage: hakctl %s%s%s\n\n%s.\n", command->name,
	       command->arguments[0] ? " " : "", command->arguments, command->summary);
	if (command->help[0])
		printf("\n%s", command->help);
}

static void help_on_all(void)
{
	puts("usage: hakctl VERB [ARGUMENTS]\n"
	     "\n"
	     "Runs programs on the hakmem memory allocator.\n");
	for (int i = 0; commands[i]; i++)
		printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
	puts("\n"
	     "`hakctl help VERB` says more. Exit codes: 0 done, 1 refused or failed,\n"
	     "2 wrong usage, 3 no such target.");
}

static int help_run(int argc, char **argv)
{
	const struct command *command;

	if (argc > 2) {
		message_error("help: one verb at a time");
		return EXIT_USAGE;
	}
	if (argc < 2) {
		help_on_all();
		return EXIT_DONE;
	}
	command = command_find(argv[1]);
	if (!command)
		return EXIT_USAGE;
	help_on(command);
	return EXIT_DONE;
}

const struct command help_command = {
	.name = "help",
	.arguments = "[VERB]",
	.summary = "list the verbs, or explain one",
	.help = "",
	.run = help_run,
};

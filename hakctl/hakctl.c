/* SPDX-License-Identifier: MIT */
/*
 * hakctl, the control tool: takes the first word of the command line for a verb and hands
 * over to that verb's file. Knows nothing of what the verbs do.
 */
#include <config.h>

#include <stdbool.h>
#include <string.h>

#include "hakctl/command.h"
#include "hakctl/output/message.h"
#include "support/suggestion.h"

/* clang-format off: a verb a line */
const struct command *const commands[] = {
	&ps_command,
	&stats_command,
	&top_command,
	&watch_command,
	&diff_command,
	&profile_command,
	&frag_command,
	&leaks_command,
	&numa_command,
	&huge_command,
	&doctor_command,
	&purge_command,
	&limit_command,
	&get_command,
	&set_command,
	&list_command,
	&map_command,
	&stray_command,
	&metrics_command,
	&run_command,
	&wait_command,
	&help_command,
	&version_command,
	NULL,
};
/* clang-format on */

const struct command *command_find(const char *name)
{
	struct suggestion nearest = suggestion_begin(name, 2);

	for (int i = 0; commands[i]; i++) {
		if (!strcmp(commands[i]->name, name))
			return commands[i];
		suggestion_offer(&nearest, commands[i]->name);
	}
	if (nearest.word)
		message_error("unknown verb \"%s\"; did you mean \"%s\"?", name,
			      nearest.word);
	else
		message_error("unknown verb \"%s\"; `hakctl help` lists them", name);
	return NULL;
}

/* The spellings that people try with every tool. */
static bool asks_for_help(const char *word)
{
	return !strcmp(word, "-h") || !strcmp(word, "--help");
}

static const char *verb_of(const char *word)
{
	if (asks_for_help(word))
		return "help";
	if (!strcmp(word, "-V") || !strcmp(word, "--version"))
		return "version";
	return word;
}

static int help_on(char *verb)
{
	char help[] = "help";
	char *arguments[] = { help, verb, NULL };

	return help_command.run(verb ? 2 : 1, arguments);
}

int main(int argc, char **argv)
{
	char ps[] = "ps";
	char *alone[] = { ps, NULL };
	const struct command *command;

	if (argc < 2)
		return ps_command.run(1, alone);
	if (argc > 2 && asks_for_help(argv[2]))
		return help_on(argv[1]);
	command = command_find(verb_of(argv[1]));
	if (!command)
		return EXIT_USAGE;
	return command->run(argc - 1, argv + 1);
}

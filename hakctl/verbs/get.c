/* SPDX-License-Identifier: MIT */
/* `hakctl get`: prints one knob or counter of a process. */
#include <config.h>

#include "hakctl/command.h"
#include "hakctl/verbs/knob.h"

static int get_run(int argc, char **argv)
{
	return knob_run(argc, argv, false);
}

const struct command get_command = {
	.name = "get",
	.arguments = "[-j] NAME [TARGET... | --all]",
	.summary = "print one knob or counter of a process",
	.help = "  -a, --all   of every process that can be asked\n"
		"  -j, --json  one JSON object; bytes as integers\n"
		"\n"
		"`hakctl list` has the names.\n",
	.run = get_run,
};

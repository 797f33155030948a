/* SPDX-License-Identifier: MIT */
/* `hakctl set`: changes one knob of a process, and prints what it is then. */
#include <config.h>

#include "hakctl/command.h"
#include "hakctl/verbs/knob.h"

static int set_run(int argc, char **argv)
{
	return knob_run(argc, argv, true);
}

const struct command set_command = {
	.name = "set",
	.arguments = "[-j] NAME VALUE [TARGET | --all]",
	.summary = "change one knob of a process, and print what it is now",
	.help = "  -a, --all   of every process that can be asked\n"
		"  -j, --json  one JSON object; bytes as integers\n"
		"\n"
		"Values are written as in HAKMEM_OPTIONS: 2G, none, abort. `hakctl list --knobs`\n"
		"has the names.\n",
	.run = set_run,
};

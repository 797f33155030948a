/* SPDX-License-Identifier: MIT */
/*
 * What a verb of hakctl is, and what its exit codes mean. Every verb has a file of its
 * own that defines one struct command; hakctl.c lists them in the order help shows them.
 */
#ifndef HAKCTL_COMMAND_H
#define HAKCTL_COMMAND_H

/* The same for every verb; scripts rely on them. */
enum exit_code {
	EXIT_DONE = 0,
	EXIT_REFUSED = 1, /* the target refused, or the work failed */
	EXIT_USAGE = 2,
	EXIT_NO_TARGET = 3, /* no such program, process or socket */
	EXIT_SLOWER = 4,    /* doctor: a slower way is used for something, and … */
	EXIT_OFF = 5,	    /* … something is off */
};

struct command {
	const char *name;
	const char *arguments; /* as shown behind the name in a usage line */
	const char *summary;   /* one line, no full stop */
	const char *help;      /* what `hakctl help NAME` adds; ends with a newline */
	int (*run)(int argc, char **argv); /* argv[0] is the verb */
};

extern const struct command ps_command;
extern const struct command stats_command;
extern const struct command top_command;
extern const struct command watch_command;
extern const struct command diff_command;
extern const struct command profile_command;
extern const struct command frag_command;
extern const struct command leaks_command;
extern const struct command numa_command;
extern const struct command huge_command;
extern const struct command doctor_command;
extern const struct command purge_command;
extern const struct command limit_command;
extern const struct command get_command;
extern const struct command set_command;
extern const struct command list_command;
extern const struct command map_command;
extern const struct command stray_command;
extern const struct command metrics_command;
extern const struct command run_command;
extern const struct command wait_command;
extern const struct command help_command;
extern const struct command version_command;

/* Every verb, ended by NULL. */
extern const struct command *const commands[];

/* The verb called NAME; NULL after an error message if there is none. */
const struct command *command_find(const char *name);

#endif

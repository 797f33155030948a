/* SPDX-License-Identifier: MIT */
/*
 * What the command lines of the verbs have in common: options with one way of complaining,
 * and the targets behind them.
 */
#ifndef HAKCTL_CLIENT_ARGUMENTS_H
#define HAKCTL_CLIENT_ARGUMENTS_H

#include <getopt.h>

#include "hakctl/command.h"
#include "hakctl/client/json_output.h"
#include "hakctl/client/target.h"

/* Says what is wrong with the value of an option; returns EXIT_USAGE. */
enum exit_code arguments_bad_value(const char *verb, const char *option,
				   const char *value, const char *expected);

/* Says that two options cannot stand together; returns EXIT_USAGE. */
enum exit_code arguments_exclude(const char *verb, const char *option, const char *other);

enum arguments_targets {
	ARGUMENTS_MANY, /* a verb that looks: a name may mean several processes */
	ARGUMENTS_OUTSIDE, /* the same; also at those that cannot be asked */
	ARGUMENTS_ONE,	/* a verb that changes: several only with --all */
};

/*
 * The targets that words name, or all. No word and no --all: the only process that can be
 * asked, if there is but one. EXIT_DONE, or the code to exit with, after a message.
 */
enum exit_code arguments_take_targets(const char *verb, char **words, bool all,
				      enum arguments_targets how,
				      struct target_list *list);

/*
 * Calls act for each target, those without a socket left out where others were asked as
 * well; says what failed. The code of the first failure.
 */
enum exit_code arguments_visit(const char *verb, struct target_list *list, bool all,
			       bool (*act)(struct target *target, void *argument,
					   struct failure *failure),
			       void *argument);

/* The same, within one JSON object; act adds to *array what it has of its target. */
enum exit_code arguments_visit_json(const char *verb, struct target_list *list, bool all,
				    bool (*act)(struct target *target, void *argument,
						struct failure *failure),
				    void *argument, struct json_object **array);

/* The command line of a verb that only looks: [-j] [TARGET... | --all]. */
struct arguments_looking {
	bool json, all;
	struct json_object *array; /* with json: what act adds to */
};

/* All that such a verb runs; act's argument is a struct arguments_looking. */
int arguments_look(const char *verb, int argc, char **argv,
		   bool (*act)(struct target *target, void *argument,
			       struct failure *failure));

#endif

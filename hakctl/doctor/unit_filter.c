/* SPDX-License-Identifier: MIT */
/* See unit_filter.h; `hakctl doctor --systemd-filter UNIT` prints it. */
#include <config.h>

#include "hakctl/doctor/unit_filter.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hakctl/client/library.h"
#include "hakctl/output/message.h"
#include "hakctl/output/text.h"
#include "hakctl/client/used_calls.h"

/* In the order in which systemd looks. */
static const char *const folders[] = {
	"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system",
	"/usr/lib/systemd/system", "/lib/systemd/system",
};

struct unit {
	bool has_filter;	/* SystemCallFilter= */
	bool has_families;	/* RestrictAddressFamilies=, without AF_UNIX */
	bool forbids_tasks;	/* TasksMax=1 */
};

static FILE *open_unit(const char *name, char path[PATH_MAX])
{
	FILE *file = NULL;

	if (strchr(name, '/')) {
		snprintf(path, PATH_MAX, "%s", name);
		return fopen(path, "re");
	}
	for (size_t i = 0; !file && i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, PATH_MAX, "%s/%s%s", folders[i], name,
			 strchr(name, '.') ? "" : ".service");
		file = fopen(path, "re");
	}
	return file;
}

/* The value behind "KEY=", or NULL. */
static const char *value_of(const char *line, const char *key)
{
	size_t length = strlen(key);

	if (strncmp(line, key, length))
		return NULL;
	line += length;
	line += strspn(line, " \t");
	if (*line != '=')
		return NULL;
	return line + 1 + strspn(line + 1, " \t");
}

/* An empty value takes back what was said before. */
static void take_line(struct unit *unit, const char *line)
{
	const char *value;

	if ((value = value_of(line, "SystemCallFilter")))
		unit->has_filter = *value && *value != '\n';
	else if ((value = value_of(line, "RestrictAddressFamilies")))
		unit->has_families = *value != '\n' && *value != '~' && !strstr(value, "AF_UNIX") &&
				     !strstr(value, "none");
	else if ((value = value_of(line, "TasksMax")))
		unit->forbids_tasks = strtoul(value, NULL, 10) == 1;
}

static void print_calls(const struct unit *unit)
{
	for (size_t i = 0; unit->has_filter && i < used_calls_count; i++) {
		const struct used_calls *group = &used_calls_groups[i];

		printf("# %c%s.\nSystemCallFilter=%s\n", toupper((unsigned char)group->purpose[0]),
		       group->purpose + 1, group->names);
		if (group->loosens)
			message_error("loosened: %s: %s", group->names, group->loosens);
	}
	if (unit->has_filter)
		message_error("systemd cannot judge by arguments: leave out of these lines what is "
			      "loosened too far, and the rest works without");
}

bool unit_filter_print(const char *name, struct failure *failure)
{
	char path[PATH_MAX], library[PATH_MAX], line[8192];
	struct unit unit = { .has_filter = false };
	FILE *file = open_unit(name, path);

	if (!file)
		return failure_set(failure, EXIT_NO_TARGET, "%s: no such unit: %s", name,
				   strerror(errno));
	while (fgets(line, sizeof(line), file))
		take_line(&unit, line);
	fclose(file);
	text_clean(path);
	printf("# For %s, by hakctl %s; as UNIT.d/hakmem.conf in /etc/systemd/system.\n[Service]\n",
	       path, PACKAGE_VERSION);
	if (library_find(library))
		printf("Environment=LD_PRELOAD=%s\n", library);
	print_calls(&unit);
	if (unit.has_families) {
		puts("# Its control socket, for hakctl.\nRestrictAddressFamilies=AF_UNIX");
		message_error("loosened: AF_UNIX sockets, for hakctl");
	}
	if (unit.forbids_tasks)
		message_error("TasksMax=1 leaves no room for the helper");
	if (!unit.has_filter && !unit.has_families)
		message_error("%s filters nothing that hakmem calls", path);
	return true;
}

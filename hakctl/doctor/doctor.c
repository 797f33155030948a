/* SPDX-License-Identifier: MIT */
/* `hakctl doctor`: what is off, here or in a process, why, and the line that mends it. */
#include <config.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "hakctl/client/arguments.h"
#include "hakctl/command.h"
#include "hakctl/client/json_output.h"
#include "hakctl/output/message.h"
#include "hakctl/client/option_table.h"
#include "hakctl/client/outside.h"
#include "hakctl/doctor/probe.h"
#include "hakctl/client/remedy.h"
#include "hakctl/client/rung.h"
#include "hakctl/doctor/seccomp_profile.h"
#include "hakctl/output/paragraph.h"
#include "hakctl/output/style.h"
#include "hakctl/doctor/unit_filter.h"

struct request {
	bool json, all, wants_profile;
	const char *base; /* of the profile; NULL: none was named */
	const char *unit; /* NULL: no drop-in is wanted */
	enum exit_code worst;
	struct json_object *array;
};

static const char *const state_names[] = { "on", "off", "partly", "unknown", "unwanted" };

static const char *state_name(const struct control_rung *rung)
{
	return rung->state < 5 ? state_names[rung->state] : "unknown";
}

static void judge(struct request *request, const struct control_rung *rung,
		  const struct process *process)
{
	enum exit_code grade = rung->state == CONTROL_RUNG_OFF	  ? EXIT_OFF :
			       rung->state == CONTROL_RUNG_PARTLY ? EXIT_SLOWER :
								    EXIT_DONE;

	/* A filter that refuses only what has a next best that is as good is none. */
	if (rung_of(rung) == RUNG_FILTER && !remedy_line(rung, process)[0])
		return;
	if (grade > request->worst)
		request->worst = grade;
}

/* An option may be what somebody wants; whoever has no helper is told how to get one. */
static bool is_to_be_mended(const struct control_rung *rung)
{
	return rung->state == CONTROL_RUNG_OFF || rung->state == CONTROL_RUNG_PARTLY ||
	       (rung_of(rung) == RUNG_HELPER && rung->state != CONTROL_RUNG_ON);
}

/* "EPERM"; in words where the C library does not tell the name (glibc before 2.32). */
static const char *error_word(int error)
{
#ifdef HAVE_STRERRORNAME_NP
	return strerrorname_np(error) ?: "an unusual error";
#else
	return strerror(error);
#endif
}

static void print_rung(const struct control_rung *rung, const struct process *process)
{
	static const enum style styles[] = { STYLE_GOOD, STYLE_BAD, STYLE_WARNING,
					     STYLE_FAINT, STYLE_FAINT };
	bool is_off = is_to_be_mended(rung);
	const char *line = remedy_line(rung, process);

	printf("  %s%-8s%s  %-12s ", style_begin(styles[rung->state < 5 ? rung->state : 3]),
	       state_name(rung), style_end(STYLE_TITLE), rung->name);
	paragraph_print(remedy_purpose(rung), 25, 12);
	putchar('\n');
	if (rung->cause[0] || rung->error)
		paragraph_line(12, "why: %s%s%s", rung->cause,
			       rung->error && rung->cause[0] ? "; " : "",
			       rung->error ? error_word(rung->error) : "");
	if (is_off && line[0])
		paragraph_line(12, "mend: %s", line);
}

static struct json_object *rung_to_json(const struct control_rung *rung,
					const struct process *process)
{
	struct json_object *object = json_object_new_object();
	bool is_off = is_to_be_mended(rung);

	json_output_text(object, "name", rung->name);
	json_output_text(object, "state", state_name(rung));
	json_output_text(object, "purpose", remedy_purpose(rung));
	json_object_object_add(object, "errno", json_object_new_int(rung->error));
	json_output_text(object, "cause", rung->cause);
	json_output_text(object, "mend", is_off ? remedy_line(rung, process) : "");
	return object;
}

static struct json_object *show_rungs(struct request *request, const struct process *process,
				      const struct control_rung *rungs, size_t count)
{
	struct json_object *array = request->json ? json_object_new_array() : NULL;

	for (size_t i = 0; i < count; i++) {
		judge(request, &rungs[i], process);
		if (request->json)
			json_object_array_add(array, rung_to_json(&rungs[i], process));
		else
			print_rung(&rungs[i], process);
	}
	return array;
}

static void show_target(struct request *request, struct target *target,
			const struct control_rung *rungs, size_t count)
{
	struct json_object *object, *array;

	if (!request->json)
		printf("%s%s%s\n", style_begin(STYLE_TITLE), target_label(target),
		       style_end(STYLE_TITLE));
	array = show_rungs(request, &target->process, rungs, count);
	if (!request->json)
		return;
	object = json_output_target(target);
	json_object_object_add(object, "rungs", array);
	json_object_array_add(request->array, object);
}

/* The socket is the helper's: without one there is no more to say. */
static size_t add_control(const struct target *target, struct control_rung *rungs, size_t count)
{
	struct control_rung *control = &rungs[count];
	bool is_off = strstr(target->reason, "control:off");

	if (!is_off && rung_without_helper(rungs, count))
		return count;
	rung_begin(control, RUNG_CONTROL, is_off ? CONTROL_RUNG_UNWANTED : CONTROL_RUNG_OFF);
	snprintf(control->cause, sizeof(control->cause), "%.159s", target->reason);
	return count + 1;
}

/* What its library knows without a helper, and why there is no socket. */
static bool examine_from_outside(struct request *request, struct target *target,
				 struct failure *failure)
{
	struct control_rung rungs[PROBE_MOST_RUNGS + 1], *helper;
	struct outside outside;
	struct failure unread;
	size_t count = 0;

	if (outside_open(&outside, &target->process, &target->library, &unread))
		count = outside_rungs(&outside, rungs, PROBE_MOST_RUNGS);
	if (!count)
		return failure_set(failure, EXIT_REFUSED, "%s, and %s", target->reason,
				   unread.text);
	helper = rung_without_helper(rungs, count);
	if (helper && helper->state == CONTROL_RUNG_UNKNOWN)
		snprintf(helper->cause, sizeof(helper->cause), "its heap is small");
	count = add_control(target, rungs, count);
	show_target(request, target, rungs, count);
	return true;
}

static bool examine(struct target *target, void *argument, struct failure *failure)
{
	struct request *request = argument;
	struct reply_rows rows = { .row_bytes = sizeof(struct control_rung) };
	struct connection connection;
	bool done;

	if (target->state == TARGET_SILENT && target->has_library)
		return examine_from_outside(request, target, failure);
	if (!target_connect(target, &connection, failure))
		return false;
	done = connection_ask_rows(&connection, CONTROL_DOCTOR, &rows, failure);
	connection_close(&connection);
	if (done)
		show_target(request, target, (const void *)rows.rows, rows.count);
	reply_free_rows(&rows);
	return done;
}

/* Of the machine, as hakctl itself finds it: a program in a container may find it worse. */
static enum exit_code examine_machine(struct request *request)
{
	struct control_rung rungs[PROBE_MOST_RUNGS];
	size_t count = probe_machine(rungs);
	struct json_object *object, *array;
	struct utsname system;

	uname(&system);
	if (!request->json)
		paragraph_line(0, "%sthis machine%s  Linux %s", style_begin(STYLE_TITLE),
			       style_end(STYLE_TITLE), system.release);
	array = show_rungs(request, NULL, rungs, count);
	if (!request->json)
		return request->worst;
	object = json_output_begin("doctor");
	json_output_text(object, "kernel", system.release);
	json_object_object_add(object, "rungs", array);
	json_output_end(object);
	return request->worst;
}

static enum exit_code take_options(struct request *request, int argc, char **argv)
{
	const struct option_row rows[] = {
		{ "json", 'j', .flag = &request->json },
		{ "all", 'a', .flag = &request->all },
		{ "seccomp-profile", .flag = &request->wants_profile, .text = &request->base,
		  .may_lack_value = true },
		{ "systemd-filter", .text = &request->unit },
		{ NULL },
	};

	return option_table_take(argc, argv, rows, false);
}

/* With `--seccomp-profile FILE`, where there is no = before it, FILE is the first word. */
static enum exit_code print_filter(struct request *request, char **words)
{
	struct failure failure;

	if (request->wants_profile && !request->base && words[0])
		request->base = *words++;
	if (words[0] || request->json || request->all ||
	    (request->wants_profile && request->unit)) {
		message_error(
			"doctor: a profile and a drop-in are of no process, one at a time, and have "
			"one form each");
		return EXIT_USAGE;
	}
	if (request->wants_profile ? seccomp_profile_print(request->base, &failure) :
				     unit_filter_print(request->unit, &failure))
		return EXIT_DONE;
	message_error("doctor: %s", failure.text);
	return failure.code;
}

static int doctor_run(int argc, char **argv)
{
	struct request request = { .json = false };
	struct target_list list = { .targets = NULL };
	enum exit_code code = take_options(&request, argc, argv);

	if (code != EXIT_DONE)
		return code;
	if (request.wants_profile || request.unit)
		return print_filter(&request, argv + optind);
	if (!argv[optind] && !request.all)
		return examine_machine(&request);
	code = arguments_take_targets("doctor", argv + optind, request.all,
				      ARGUMENTS_OUTSIDE, &list);
	if (code != EXIT_DONE)
		return code;
	if (request.json)
		code = arguments_visit_json("doctor", &list, request.all, examine,
					    &request, &request.array);
	else
		code = arguments_visit("doctor", &list, request.all, examine, &request);
	return code == EXIT_DONE ? request.worst : code;
}

const struct command doctor_command = {
	.name = "doctor",
	.arguments = "[-j] [TARGET... | --all] | --seccomp-profile [FILE] | --systemd-filter UNIT",
	.summary = "say what is off, why, and how to mend it",
	.help = "      --seccomp-profile [FILE]\n"
		"              print a seccomp profile for Docker, Podman and Kubernetes: FILE, or what\n"
		"              their runtimes allow by default, with the calls added that hakmem makes\n"
		"      --systemd-filter UNIT\n"
		"              print a drop-in that does the same for a unit that has a filter\n"
		"  -a, --all   every process that can be asked\n"
		"  -j, --json  one JSON object\n"
		"\n"
		"Without a TARGET it examines this machine. Exit codes: 0 all is on, 4 a slower\n"
		"way is used for something, 5 something is off; 3 no such target. What a profile\n"
		"or a drop-in loosens is told on standard error.\n",
	.run = doctor_run,
};

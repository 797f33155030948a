/* SPDX-License-Identifier: MIT */
/*
 * See seccomp_profile.h; `hakctl doctor --seccomp-profile` prints it. It begins from what container
 * runtimes allow anyway, or from a profile in a file, and adds no more than hakmem calls.
 */
#include <config.h>

#include "hakctl/doctor/seccomp_profile.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "hakctl/client/json_output.h"
#include "hakctl/output/message.h"
#include "hakctl/doctor/runtime_calls.h"
#include "hakctl/client/used_calls.h"

#define ALLOW "SCMP_ACT_ALLOW"

#if defined(__x86_64__)
#define ARCHITECTURES "SCMP_ARCH_X86_64 SCMP_ARCH_X86 SCMP_ARCH_X32"
#define OF_ARCHITECTURE "arch_prctl modify_ldt"
#else
#define ARCHITECTURES "SCMP_ARCH_AARCH64 SCMP_ARCH_ARM"
#define OF_ARCHITECTURE                                                         \
	"arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush " \
	"set_tls"
#endif

/* With the usual capabilities of a container, and since Linux 4.8. */
#define OF_CAPABILITIES "chroot process_vm_readv process_vm_writev ptrace"

/* Flags of clone(2) that make namespaces. */
#define CLONE_NAMESPACES 0x7e020000u

static struct json_object *names_to_json(const char *names)
{
	struct json_object *array = json_object_new_array();
	char name[64];

	while (used_calls_next(&names, name))
		json_object_array_add(array, json_object_new_string(name));
	return array;
}

static struct json_object *add_rule(struct json_object *rules, const char *names,
				    const char *action, const char *comment)
{
	struct json_object *rule = json_object_new_object();

	json_object_object_add(rule, "names", names_to_json(names));
	json_output_text(rule, "action", action);
	if (comment)
		json_output_text(rule, "comment", comment);
	json_object_array_add(rules, rule);
	return rule;
}

static void add_condition(struct json_object *rule, unsigned index, const char *operation,
			  uint64_t value, uint64_t other)
{
	struct json_object *array = json_object_new_array();
	struct json_object *condition = json_object_new_object();

	json_output_number(condition, "index", index);
	json_output_number(condition, "value", value);
	json_output_number(condition, "valueTwo", other);
	json_output_text(condition, "op", operation);
	json_object_array_add(array, condition);
	json_object_object_add(rule, "args", array);
}

/* What is allowed with some arguments only, as the source of runtime_calls.h has it. */
static void add_judged(struct json_object *rules)
{
	static const uint64_t personalities[] = { 0, 0x8, 0x20000, 0x20008, 0xffffffff };
	static const struct {
		const char *operation;
		unsigned family;
	} families[] = { /* all but AF_ALG and AF_VSOCK */
			 { "SCMP_CMP_LT", 38 }, { "SCMP_CMP_EQ", 39 }, { "SCMP_CMP_GT", 40 }
	};

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		add_condition(add_rule(rules, "socket", ALLOW, NULL), 0, families[i].operation,
			      families[i].family, 0);
	for (size_t i = 0; i < sizeof(personalities) / sizeof(personalities[0]); i++)
		add_condition(add_rule(rules, "personality", ALLOW, NULL), 0, "SCMP_CMP_EQ",
			      personalities[i], 0);
	add_condition(add_rule(rules, "clone", ALLOW, "no new namespaces"), 0,
		      "SCMP_CMP_MASKED_EQ", CLONE_NAMESPACES, 0);
	/* The C library then tries clone, whose flags a filter can see. */
	json_output_number(add_rule(rules, "clone3", "SCMP_ACT_ERRNO", NULL), "errnoRet", ENOSYS);
}

static struct json_object *make(void)
{
	struct json_object *object = json_object_new_object();
	struct json_object *rules = json_object_new_array();

	json_output_text(object, "defaultAction", "SCMP_ACT_ERRNO");
	json_output_number(object, "defaultErrnoRet", EPERM);
	json_object_object_add(object, "architectures", names_to_json(ARCHITECTURES));
	add_rule(rules, runtime_calls_allowed, ALLOW, RUNTIME_CALLS_SOURCE);
	add_rule(rules, OF_ARCHITECTURE " " OF_CAPABILITIES, ALLOW, NULL);
	add_judged(rules);
	json_object_object_add(object, "syscalls", rules);
	return object;
}

/* "" for what is not there. */
static const char *text_of(struct json_object *object)
{
	const char *text = json_object_get_string(object);

	return text ? text : "";
}

static bool is_no_profile(const char *path, struct failure *failure)
{
	return failure_set(failure, EXIT_REFUSED,
			   "%s: is no seccomp profile of Docker's or Kubernetes': it has no array "
			   "\"syscalls\" of objects",
			   path);
}

static struct json_object *read_base(const char *path, struct failure *failure)
{
	struct json_object *object = json_object_from_file(path);
	struct json_object *rules;
	bool is_one;

	if (!object) {
		failure_set(failure, EXIT_REFUSED, "%s: cannot be read as JSON", path);
		return NULL;
	}
	is_one = json_object_object_get_ex(object, "syscalls", &rules) &&
		 json_object_is_type(rules, json_type_array);
	for (size_t i = 0; is_one && i < json_object_array_length(rules); i++)
		is_one = json_object_is_type(json_object_array_get_idx(rules, i), json_type_object);
	if (is_one)
		return object;
	is_no_profile(path, failure);
	json_object_put(object);
	return NULL;
}

/* Conditions of a runtime's, which Docker resolves and Kubernetes' runtimes need not know. */
static bool has_conditions(struct json_object *rule)
{
	struct json_object *of;

	return (json_object_object_get_ex(rule, "includes", &of) &&
		json_object_object_length(of) > 0) ||
	       (json_object_object_get_ex(rule, "excludes", &of) &&
		json_object_object_length(of) > 0);
}

/* Older profiles have "name" instead. */
static bool rule_names(struct json_object *rule, const char *name)
{
	struct json_object *names, *one;

	if (json_object_object_get_ex(rule, "name", &one) &&
	    !strcmp(text_of(one), name))
		return true;
	if (!json_object_object_get_ex(rule, "names", &names) ||
	    !json_object_is_type(names, json_type_array))
		return false;
	for (size_t i = 0; i < json_object_array_length(names); i++)
		if (!strcmp(text_of(json_object_array_get_idx(names, i)), name))
			return true;
	return false;
}

/* With whatever arguments; but not for capabilities that a container seldom has. */
static bool allows(struct json_object *profile, const char *name)
{
	struct json_object *rules, *action;
	bool allowed = json_object_object_get_ex(profile, "defaultAction", &action) &&
		       !strcmp(text_of(action), ALLOW);

	json_object_object_get_ex(profile, "syscalls", &rules);
	for (size_t i = 0; i < json_object_array_length(rules); i++) {
		struct json_object *rule = json_object_array_get_idx(rules, i);
		struct json_object *includes, *capabilities;

		if (!rule_names(rule, name) ||
		    !json_object_object_get_ex(rule, "action", &action) ||
		    (json_object_object_get_ex(rule, "includes", &includes) &&
		     json_object_object_get_ex(includes, "caps", &capabilities)))
			continue;
		if (!strcmp(text_of(action), ALLOW))
			return true;
		allowed = false;
	}
	return allowed;
}

/* Of a group what the profile does not allow; "": all is there. */
static void missing(struct json_object *profile, const char *names, char text[512])
{
	size_t used = 0;
	char name[64];

	text[0] = '\0';
	while (used_calls_next(&names, name))
		if (!allows(profile, name) && used < 440)
			used += (size_t)snprintf(text + used, 512 - used, "%s%s", used ? " " : "",
						 name);
}

static void add_group(struct json_object *profile, const struct used_calls *group)
{
	struct json_object *rules, *rule;
	char names[512], comment[256];

	json_object_object_get_ex(profile, "syscalls", &rules);
	missing(profile, group->names, names);
	if (!names[0])
		return;
	snprintf(comment, sizeof(comment), "hakmem: %s", group->purpose);
	rule = add_rule(rules, names, ALLOW, comment);
	if (group->is_judged)
		add_condition(rule, group->index, "SCMP_CMP_MASKED_EQ", group->mask, group->value);
	if (group->loosens)
		message_error("loosened: %s: %s", names, group->loosens);
}

static void warn_of_conditions(struct json_object *profile, const char *base)
{
	struct json_object *rules;
	bool has = false;

	json_object_object_get_ex(profile, "syscalls", &rules);
	for (size_t i = 0; i < json_object_array_length(rules); i++)
		has |= has_conditions(json_object_array_get_idx(rules, i));
	if (has)
		message_error(
			"%s has rules that depend on capabilities (includes, excludes): Docker "
			"and Podman obey them; a Kubernetes node may take them as they stand, "
			"and allow all. Without FILE there are none",
			base);
}

bool seccomp_profile_print(const char *base, struct failure *failure)
{
	struct json_object *object = base ? read_base(base, failure) : make();
	char lacking[512];

	if (!object)
		return false;
	if (base)
		warn_of_conditions(object, base);
	for (size_t i = 0; i < used_calls_count; i++)
		add_group(object, &used_calls_groups[i]);
	missing(object, used_calls_needed, lacking);
	if (lacking[0])
		message_error("without these there is no helper, and they are not added: %s",
			      lacking);
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY |
							    JSON_C_TO_STRING_SPACED));
	json_object_put(object);
	return true;
}

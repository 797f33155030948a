/* SPDX-License-Identifier: MIT */
/* See seccomp_profile.h; `hakctl doctor --seccomp-profile` prints it. */
#include <config.h>

#include "hakctl/seccomp_profile.h"

#include <json-c/json.h>
#include <stdio.h>

#include "hakctl/json_output.h"

/* What the library calls and default profiles of containers refuse, or once did. */
static const char *const wanted[] = {
	"userfaultfd",
	"io_uring_setup",
	"io_uring_enter",
	"io_uring_register",
	"mbind",
	"get_mempolicy",
	"set_mempolicy",
	"move_pages",
	"process_madvise",
	"pidfd_open",
	"pidfd_getfd",
	"membarrier",
	"rseq",
	"close_range",
	"madvise",
	"mremap",
	NULL,
};

/* By hand of the kernel's own list: what reaches beyond the container. */
static const char *const refused[] = {
	"acct",
	"add_key",
	"bpf",
	"clock_adjtime",
	"clock_settime",
	"delete_module",
	"finit_module",
	"fsconfig",
	"fsmount",
	"fsopen",
	"fspick",
	"init_module",
	"ioperm",
	"iopl",
	"kcmp",
	"kexec_file_load",
	"kexec_load",
	"keyctl",
	"lookup_dcookie",
	"mount",
	"mount_setattr",
	"move_mount",
	"name_to_handle_at",
	"nfsservctl",
	"open_by_handle_at",
	"open_tree",
	"perf_event_open",
	"personality",
	"pivot_root",
	"quotactl",
	"quotactl_fd",
	"reboot",
	"request_key",
	"setns",
	"settimeofday",
	"swapoff",
	"swapon",
	"syslog",
	"umount",
	"umount2",
	"unshare",
	"uselib",
	"ustat",
	"vhangup",
	NULL,
};

static struct json_object *rule(const char *const names[], const char *action,
				const char *comment)
{
	struct json_object *object = json_object_new_object();
	struct json_object *array = json_object_new_array();

	for (int i = 0; names[i]; i++)
		json_object_array_add(array, json_object_new_string(names[i]));
	json_object_object_add(object, "names", array);
	json_output_text(object, "action", action);
	json_output_text(object, "comment", comment);
	return object;
}

static struct json_object *make(void)
{
	struct json_object *object = json_object_new_object();
	struct json_object *rules = json_object_new_array();
	struct json_object *denial =
		rule(refused, "SCMP_ACT_ERRNO", "what reaches beyond a container");

	json_output_number(denial, "errnoRet", 1);
	json_output_text(object, "defaultAction", "SCMP_ACT_ALLOW");
	json_object_array_add(rules, denial);
	json_object_object_add(object, "syscalls", rules);
	return object;
}

static struct json_object *read_base(const char *path, struct failure *failure)
{
	struct json_object *object = json_object_from_file(path);
	struct json_object *rules;

	if (!object) {
		failure_set(failure, EXIT_REFUSED, "%s: cannot be read as JSON", path);
		return NULL;
	}
	if (!json_object_object_get_ex(object, "syscalls", &rules) ||
	    !json_object_is_type(rules, json_type_array)) {
		failure_set(
			failure, EXIT_REFUSED,
			"%s: is no seccomp profile of Docker's: it has no array \"syscalls\"",
			path);
		json_object_put(object);
		return NULL;
	}
	json_object_array_add(rules, rule(wanted, "SCMP_ACT_ALLOW", "hakmem"));
	return object;
}

bool seccomp_profile_print(const char *base, struct failure *failure)
{
	struct json_object *object = base ? read_base(base, failure) : make();

	if (!object)
		return false;
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY |
							    JSON_C_TO_STRING_SPACED));
	json_object_put(object);
	return true;
}

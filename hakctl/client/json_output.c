/* SPDX-License-Identifier: MIT */
/* See json_output.h; json-c does the writing. */
#include <config.h>

#include "hakctl/client/json_output.h"

#include <limits.h>
#include <stdio.h>

#include "hakctl/output/text.h"

struct json_object *json_output_begin(const char *verb)
{
	struct json_object *object = json_object_new_object();

	json_output_number(object, "schema", JSON_OUTPUT_SCHEMA);
	json_output_text(object, "verb", verb);
	return object;
}

void json_output_end(struct json_object *object)
{
	puts(json_object_to_json_string_ext(
		object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	fflush(stdout);
	json_object_put(object);
}

struct json_object *json_output_target(const struct target *target)
{
	struct json_object *object = json_object_new_object();

	json_output_number(object, "pid", (uint64_t)target->process.pid);
	json_output_text(object, "name", target->process.name);
	json_output_number(object, "uid", target->process.user);
	return object;
}

void json_output_number(struct json_object *object, const char *name, uint64_t value)
{
	json_object_object_add(object, name, json_object_new_uint64(value));
}

void json_output_limit(struct json_object *object, const char *name, uint64_t value)
{
	if (value == UINT64_MAX)
		json_object_object_add(object, name, NULL);
	else
		json_output_number(object, name, value);
}

void json_output_flag(struct json_object *object, const char *name, bool value)
{
	json_object_object_add(object, name, json_object_new_boolean(value));
}

void json_output_text(struct json_object *object, const char *name, const char *text)
{
	char clean[PATH_MAX];

	snprintf(clean, sizeof(clean), "%s", text);
	text_clean(clean);
	json_object_object_add(object, name, json_object_new_string(clean));
}

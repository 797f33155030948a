/* SPDX-License-Identifier: MIT */
/* See json_output.h; json-c does the writing. */
#include <config.h>

#include "hakctl/json_output.h"

#include <stdio.h>
#include <string.h>

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

/* The length of a well-formed UTF-8 sequence; 0 for anything else. */
static size_t sequence_length(const unsigned char *text)
{
	size_t length = text[0] < 0x80	     ? 1 :
			text[0] >> 5 == 0x06 ? 2 :
			text[0] >> 4 == 0x0e ? 3 :
			text[0] >> 3 == 0x1e ? 4 :
					       0;

	for (size_t i = 1; i < length; i++)
		if (text[i] >> 6 != 2)
			return 0;
	/* Longer than need be, or half of a surrogate pair. */
	if ((length == 2 && text[0] < 0xc2) ||
	    (length == 3 && text[0] == 0xe0 && text[1] < 0xa0) ||
	    (length == 3 && text[0] == 0xed && text[1] >= 0xa0) ||
	    (length == 4 && ((text[0] == 0xf0 && text[1] < 0x90) || text[0] > 0xf4)))
		return 0;
	return length;
}

void json_output_text(struct json_object *object, const char *name, const char *text)
{
	char clean[512];
	size_t used = 0;

	while (*text && used < sizeof(clean) - 5) {
		size_t length = sequence_length((const unsigned char *)text);

		if (length)
			memcpy(clean + used, text, length);
		else
			clean[used] = '?';
		used += length ? length : 1;
		text += length ? length : 1;
	}
	json_object_object_add(object, name,
			       json_object_new_string_len(clean, (int)used));
}

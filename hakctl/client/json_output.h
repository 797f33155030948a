/* SPDX-License-Identifier: MIT */
/*
 * What -j prints: one object with the number of its schema, bytes as integers. A name keeps
 * its meaning as long as the schema keeps its number; names may be added.
 */
#ifndef HAKCTL_CLIENT_JSON_OUTPUT_H
#define HAKCTL_CLIENT_JSON_OUTPUT_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "hakctl/client/target.h"

#define JSON_OUTPUT_SCHEMA 1

/* The outermost object, with schema and verb. */
struct json_object *json_output_begin(const char *verb);
/* Prints it in one line, and frees it. */
void json_output_end(struct json_object *object);

/* An object for one target: pid, name, user. */
struct json_object *json_output_target(const struct target *target);

void json_output_number(struct json_object *object, const char *name, uint64_t value);
/* UINT64_MAX, which stands for none, is null. */
void json_output_limit(struct json_object *object, const char *name, uint64_t value);
void json_output_flag(struct json_object *object, const char *name, bool value);
/* Bytes that are no UTF-8 are replaced. */
void json_output_text(struct json_object *object, const char *name, const char *text);

#endif

/* SPDX-License-Identifier: MIT */
/* See setting.h. */
#include <config.h>

#include "hakctl/verbs/setting.h"

#include <inttypes.h>
#include <stdio.h>

#include "hakctl/output/text.h"

struct setting_text setting_value(const struct control_setting *setting)
{
	bool is_none = setting->value == UINT64_MAX && setting->flags & CONTROL_SETTABLE;
	const char *about = setting->flags & CONTROL_SAMPLED ? text_sign("≈ ", "~ ") : "";
	struct setting_text result = { "none" };

	if (setting->unit == CONTROL_UNIT_WORD)
		snprintf(result.text, sizeof(result.text), "%s", setting->text);
	else if (is_none)
		return result;
	else if (setting->unit == CONTROL_UNIT_BYTES)
		snprintf(result.text, sizeof(result.text), "%s%s", about,
			 units_size(setting->value).text);
	else if (setting->unit == CONTROL_UNIT_NS)
		snprintf(result.text, sizeof(result.text), "%s%s", about,
			 units_nanoseconds(setting->value).text);
	else
		snprintf(result.text, sizeof(result.text), "%s%" PRIu64 "%s", about,
			 setting->value, setting->unit == CONTROL_UNIT_MS ? " ms" : "");
	return result;
}

struct json_object *setting_to_json(const struct control_setting *setting)
{
	static const char *const units[] = { "count", "bytes", "ns", "ms", "word" };
	struct json_object *object = json_object_new_object();

	json_output_text(object, "name", setting->name);
	if (setting->unit == CONTROL_UNIT_WORD)
		json_output_text(object, "value", setting->text);
	else if (setting->flags & CONTROL_SETTABLE)
		json_output_limit(object, "value", setting->value);
	else
		json_output_number(object, "value", setting->value);
	json_output_text(object, "unit",
			 setting->unit < 5 ? units[setting->unit] : "unknown");
	json_output_flag(object, "settable", setting->flags & CONTROL_SETTABLE);
	json_output_flag(object, "cumulative", setting->flags & CONTROL_CUMULATIVE);
	json_output_flag(object, "sampled", setting->flags & CONTROL_SAMPLED);
	json_output_text(object, "words", setting->words);
	json_output_text(object, "help", setting->help);
	return object;
}

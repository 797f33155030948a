/* SPDX-License-Identifier: MIT */
/* A run-time knob or counter of the library, as get, set and list show it. */
#ifndef HAKCTL_VERBS_SETTING_H
#define HAKCTL_VERBS_SETTING_H

#include "hakctl/client/json_output.h"
#include "hakctl/output/units.h"

/* The value for people: "32.0 MiB", "2.0 TiB", "none", "report", "1234". */
struct setting_text {
	char text[80];
};

struct setting_text setting_value(const struct control_setting *setting);
struct json_object *setting_to_json(const struct control_setting *setting);

#endif

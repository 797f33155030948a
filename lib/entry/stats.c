/* SPDX-License-Identifier: MIT */
/*
 * stats.c - counters and knobs by name, for hakmem.h: the names of hakctl list.
 */
#include <config.h>

#include <errno.h>

#include <hakmem/hakmem.h>

#include "upkeep/placement.h"
#include "upkeep/helper_mode.h"
#include "control/settings.h"
#include "support/compiler.h"

static int error_of(uint16_t code)
{
	return code == CONTROL_NOT_ALLOWED ? EPERM : EINVAL;
}

EXPORT int hak_ctl(const char *name, size_t *value, const char *change)
{
	struct control_setting setting;
	uint32_t index = settings_find(name);
	const char *cause;
	uint16_t code;

	if (index == SETTINGS_NONE)
		return ENOENT;
	code = change ? settings_change(index, change, &cause) : 0;
	if (code)
		return error_of(code);
	settings_read(index, &setting);
	if (value)
		*value = setting.value;
	return 0;
}

EXPORT size_t hak_stats_read(const char *name)
{
	size_t value;

	return hak_ctl(name, &value, NULL) == 0 ? value : (size_t)-1;
}

EXPORT size_t hak_bring_home(void)
{
	return placement_bring_home();
}

EXPORT void hak_mode(char *text, size_t bytes)
{
	if (bytes)
		helper_mode_describe(text, bytes);
}

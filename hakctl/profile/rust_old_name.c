/* SPDX-License-Identifier: MIT */
/* See rust_old_name.h; symbols.c calls it. */
#include <config.h>

#include "hakctl/profile/rust_old_name.h"

#include <stdio.h>
#include <string.h>

/* One letter, or none: "$LT$" is "<". Returns how long it was. */
static size_t unescape(const char *text, char *letter)
{
	static const struct { char name[5], letter; } known[] = {
		{ "$LT$", '<' }, { "$GT$", '>' }, { "$LP$", '(' }, { "$RP$", ')' },
		{ "$RF$", '&' }, { "$BP$", '*' }, { "$SP$", '@' }, { "$C$", ',' },
	};
	unsigned code;
	int length;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strncmp(text, known[i].name, strlen(known[i].name))) {
			*letter = known[i].letter;
			return strlen(known[i].name);
		}
	if (sscanf(text, "$u%2x$%n", &code, &length) == 1 && code >= ' ' && code < 0x7f) {
		*letter = (char)code;
		return (size_t)length;
	}
	return 0;
}

void rust_old_name_clean(char *name)
{
	size_t length = strlen(name), hash = sizeof("::h0123456789abcdef") - 1, skipped;
	char *to = name;

	if (length <= hash || strncmp(name + length - hash, "::h", 3) ||
	    strspn(name + length - 16, "0123456789abcdef") != 16)
		return;
	name[length - hash] = '\0';
	for (const char *from = name; *from;) {
		if (from[0] == '_' && from[1] == '$' && (from == name || from[-1] == ':'))
			from++;
		skipped = unescape(from, to);
		if (skipped) {
			to++;
			from += skipped;
		} else if (!strncmp(from, "..", 2)) {
			memcpy(to, "::", 2);
			to += 2;
			from += 2;
		} else {
			*to++ = *from++;
		}
	}
	*to = '\0';
}

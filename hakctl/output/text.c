/* SPDX-License-Identifier: MIT */
/* See text.h; whatever prints what others said goes through it. */
#include <config.h>

#include "hakctl/output/text.h"

#include <langinfo.h>
#include <locale.h>
#include <string.h>

static const struct {
	const char *sign;
	char ascii;
} signs[] = {
	{ "≈", '~' }, { "µ", 'u' }, { "·", '.' }, { "…", '.' }, { "×", 'x' },
};

size_t text_sequence_length(const char *text)
{
	const unsigned char *bytes = (const unsigned char *)text;
	size_t length = bytes[0] < 0x80	      ? 1 :
			bytes[0] >> 5 == 0x06 ? 2 :
			bytes[0] >> 4 == 0x0e ? 3 :
			bytes[0] >> 3 == 0x1e ? 4 :
						0;

	for (size_t i = 1; i < length; i++)
		if (bytes[i] >> 6 != 2)
			return 0;
	/* Longer than need be, or half of a surrogate pair. */
	if ((length == 2 && bytes[0] < 0xc2) ||
	    (length == 3 && bytes[0] == 0xe0 && bytes[1] < 0xa0) ||
	    (length == 3 && bytes[0] == 0xed && bytes[1] >= 0xa0) ||
	    (length == 4 && ((bytes[0] == 0xf0 && bytes[1] < 0x90) || bytes[0] > 0xf4)))
		return 0;
	return length;
}

/* ASCII's, and those of U+0080 to U+009F, which terminals obey as well. */
static bool is_control(const char *text, size_t length)
{
	const unsigned char *bytes = (const unsigned char *)text;

	return (length == 1 && (bytes[0] < ' ' || bytes[0] == 0x7f)) ||
	       (length == 2 && bytes[0] == 0xc2 && bytes[1] < 0xa0);
}

bool text_is_utf8(void)
{
	static int known = -1;

	if (known < 0)
		known = setlocale(LC_CTYPE, "") && !strcmp(nl_langinfo(CODESET), "UTF-8");
	return known;
}

const char *text_sign(const char *sign, const char *ascii)
{
	return text_is_utf8() ? sign : ascii;
}

static char ascii_for(const char *text, size_t length)
{
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (strlen(signs[i].sign) == length && !memcmp(text, signs[i].sign, length))
			return signs[i].ascii;
	return '?';
}

static void rewrite(char *text, bool is_ascii)
{
	char *to = text;

	while (*text) {
		size_t length = text_sequence_length(text);

		if (!length || is_control(text, length))
			*to++ = '?';
		else if (is_ascii && length > 1)
			*to++ = ascii_for(text, length);
		else
			for (size_t i = 0; i < length; i++)
				*to++ = text[i];
		text += length ? length : 1;
	}
	*to = '\0';
}

void text_clean(char *text)
{
	rewrite(text, false);
}

void text_fit(char *text)
{
	rewrite(text, !text_is_utf8());
}

/* SPDX-License-Identifier: MIT */
/* See rust_name.h; symbols.c calls it. A function of a rule of the grammar has that rule's name. */
#include <config.h>

#include "hakctl/profile/rust_name.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MOST = 100, STEPS_MOST = 4000 };

struct parser {
	const char *start, *at;	/* behind "_R" */
	char *out;
	size_t room, used;
	unsigned depth, steps;
	bool is_silent;		/* an implementation's own path is not told */
	bool failed;
};

static void print_path(struct parser *parser, bool is_value);
static void print_type(struct parser *parser);

static void fail(struct parser *parser)
{
	parser->failed = true;
}

static void print(struct parser *parser, const char *text, size_t length)
{
	if (parser->failed || parser->is_silent)
		return;
	if (length >= parser->room - parser->used) {
		fail(parser);
		return;
	}
	memcpy(parser->out + parser->used, text, length);
	parser->used += length;
	parser->out[parser->used] = '\0';
}

static void say(struct parser *parser, const char *text)
{
	print(parser, text, strlen(text));
}

static bool accept(struct parser *parser, char letter)
{
	if (parser->failed || *parser->at != letter)
		return false;
	parser->at++;
	return true;
}

/* 0: the end, or it is of no use to go on. */
static char next(struct parser *parser)
{
	if (parser->failed || !*parser->at || parser->steps++ > STEPS_MOST) {
		fail(parser);
		return '\0';
	}
	return *parser->at++;
}

/* "_" is 0, "0_" is 1, and so on; a hash may be beyond 64 bits, and is not told. */
static uint64_t base_62_number(struct parser *parser)
{
	uint64_t value = 0;
	char letter;

	if (accept(parser, '_'))
		return 0;
	while ((letter = next(parser)) != '_') {
		if (!isalnum((unsigned char)letter)) {
			fail(parser);
			return 0;
		}
		value = value * 62 + (uint64_t)(isdigit((unsigned char)letter) ? letter - '0' :
						islower((unsigned char)letter) ? letter - 'a' + 10 :
										 letter - 'A' + 36);
	}
	return value + 1;
}

static uint64_t disambiguator(struct parser *parser)
{
	return accept(parser, 's') ? base_62_number(parser) + 1 : 0;
}

static size_t decimal_number(struct parser *parser)
{
	size_t value = 0;

	while (isdigit((unsigned char)*parser->at) && value < 100000)
		value = value * 10 + (size_t)(*parser->at++ - '0');
	return value;
}

/* Returns where it is; *length: how long. */
static const char *undisambiguated_identifier(struct parser *parser, size_t *length)
{
	const char *name;

	accept(parser, 'u');	/* punycode: told as it stands */
	*length = decimal_number(parser);
	accept(parser, '_');
	if (parser->failed || *length > strlen(parser->at)) {
		fail(parser);
		*length = 0;
	}
	name = parser->at;
	parser->at += *length;
	return name;
}

static void identifier(struct parser *parser)
{
	size_t length;
	const char *name;

	disambiguator(parser);
	name = undisambiguated_identifier(parser, &length);
	print(parser, name, length);
}

/* What stands there is told once more. */
static void backref(struct parser *parser, void (*rule)(struct parser *parser, bool is_value),
		    bool is_value)
{
	const char *from = parser->at - 1, *behind;
	uint64_t place = base_62_number(parser);

	behind = parser->at;
	if (place >= (uint64_t)(from - parser->start))
		fail(parser);
	if (parser->failed)
		return;
	parser->at = parser->start + place;
	rule(parser, is_value);
	parser->at = behind;
}

/* Closures and the like have a number instead of a name. */
static void nested(struct parser *parser, bool is_value)
{
	char space = next(parser), number[40];
	size_t length;
	uint64_t which;
	const char *name;

	print_path(parser, is_value);
	which = disambiguator(parser);
	name = undisambiguated_identifier(parser, &length);
	if (islower((unsigned char)space)) {
		if (length)
			say(parser, "::");
		print(parser, name, length);
		return;
	}
	say(parser, space == 'C' ? "::{closure" : space == 'S' ? "::{shim" : "::{other");
	if (length)
		say(parser, ":");
	print(parser, name, length);
	snprintf(number, sizeof(number), "#%llu}", (unsigned long long)which);
	say(parser, number);
}

static void impl_path(struct parser *parser)
{
	bool was_silent = parser->is_silent;

	parser->is_silent = true;
	disambiguator(parser);
	print_path(parser, false);
	parser->is_silent = was_silent;
}

static void lifetime(struct parser *parser)
{
	base_62_number(parser);
	say(parser, "'_");
}

/* Numbers, letters and truths are told; what else there is only as something. */
static void print_const(struct parser *parser, bool is_value)
{
	char type = next(parser), text[40], *end;
	const char *digits;

	(void)is_value;
	if (type == 'B') {
		backref(parser, print_const, false);
		return;
	}
	if (type == 'p') {
		say(parser, "_");
		return;
	}
	if (!strchr("ahstmyolxnijbc", type) || !type) {
		fail(parser);
		return;
	}
	if (accept(parser, 'n'))
		say(parser, "-");
	digits = parser->at;
	while (isxdigit((unsigned char)*parser->at))
		parser->at++;
	if (!accept(parser, '_')) {
		fail(parser);
		return;
	}
	snprintf(text, sizeof(text), "%llu", strtoull(digits, &end, 16));
	if (type == 'b')
		say(parser, *digits == '1' ? "true" : "false");
	else
		say(parser, parser->at - digits > 17 ? "…" : text);
}

static void generic_arguments(struct parser *parser)
{
	bool is_first = true;

	while (!parser->failed && !accept(parser, 'E')) {
		if (!is_first)
			say(parser, ", ");
		is_first = false;
		if (accept(parser, 'L'))
			lifetime(parser);
		else if (accept(parser, 'K'))
			print_const(parser, false);
		else
			print_type(parser);
	}
}

static void of_type(struct parser *parser, char kind)
{
	if (kind != 'Y')
		impl_path(parser);
	say(parser, "<");
	print_type(parser);
	if (kind != 'M') {
		say(parser, " as ");
		print_path(parser, false);
	}
	say(parser, ">");
}

static void print_path(struct parser *parser, bool is_value)
{
	char kind = next(parser);

	if (parser->depth++ > DEPTH_MOST)
		fail(parser);
	switch (kind) {
	case 'C': identifier(parser); break;
	case 'M':
	case 'X':
	case 'Y': of_type(parser, kind); break;
	case 'N': nested(parser, is_value); break;
	case 'I':
		print_path(parser, is_value);
		say(parser, is_value ? "::<" : "<");
		generic_arguments(parser);
		say(parser, ">");
		break;
	case 'B': backref(parser, print_path, is_value); break;
	default: fail(parser);
	}
	parser->depth--;
}

static const char *basic_type(char letter)
{
	static const char *const names[] = {
		"i8", "bool", "char", "f64", "str", "f32", NULL, "u8", "isize", "usize", NULL,
		"i32", "u32", "i128", "u128", "_", NULL, NULL, "i16", "u16", "()", "...", NULL,
		"i64", "u64", "!",
	};

	return islower((unsigned char)letter) ? names[letter - 'a'] : NULL;
}

static void binder(struct parser *parser)
{
	if (accept(parser, 'G'))
		base_62_number(parser);
}

static void fn_sig(struct parser *parser)
{
	bool is_first = true;
	size_t length;

	binder(parser);
	if (accept(parser, 'U'))
		say(parser, "unsafe ");
	if (accept(parser, 'K')) {
		say(parser, "extern ");
		if (!accept(parser, 'C'))
			undisambiguated_identifier(parser, &length);
	}
	say(parser, "fn(");
	while (!parser->failed && !accept(parser, 'E')) {
		if (!is_first)
			say(parser, ", ");
		is_first = false;
		print_type(parser);
	}
	say(parser, ")");
	if (accept(parser, 'u'))
		return;
	say(parser, " -> ");
	print_type(parser);
}

static void dyn_bounds(struct parser *parser)
{
	bool is_first = true;
	const char *name;
	size_t length;

	say(parser, "dyn ");
	binder(parser);
	while (!parser->failed && !accept(parser, 'E')) {
		if (!is_first)
			say(parser, " + ");
		is_first = false;
		print_path(parser, false);
		while (accept(parser, 'p')) {
			say(parser, " ");
			name = undisambiguated_identifier(parser, &length);
			print(parser, name, length);
			say(parser, "=");
			print_type(parser);
		}
	}
	if (accept(parser, 'L'))
		base_62_number(parser);
}

static void type_again(struct parser *parser, bool is_value)
{
	(void)is_value;
	print_type(parser);
}

static void reference(struct parser *parser, const char *how)
{
	say(parser, how);
	if (accept(parser, 'L'))
		base_62_number(parser);
	print_type(parser);
}

static void array(struct parser *parser, bool has_length)
{
	say(parser, "[");
	print_type(parser);
	if (has_length) {
		say(parser, "; ");
		print_const(parser, false);
	}
	say(parser, "]");
}

static void print_type(struct parser *parser)
{
	char kind = next(parser);
	const char *basic = basic_type(kind);

	if (parser->depth++ > DEPTH_MOST)
		fail(parser);
	switch (kind) {
	case 'A': array(parser, true); break;
	case 'S': array(parser, false); break;
	case 'R': reference(parser, "&"); break;
	case 'Q': reference(parser, "&mut "); break;
	case 'P': reference(parser, "*const "); break;
	case 'O': reference(parser, "*mut "); break;
	case 'T':
		say(parser, "(");
		generic_arguments(parser);
		say(parser, ")");
		break;
	case 'F': fn_sig(parser); break;
	case 'D': dyn_bounds(parser); break;
	case 'B': backref(parser, type_again, false); break;
	default:
		if (basic) {
			say(parser, basic);
			break;
		}
		parser->at--;
		if (!parser->failed)
			print_path(parser, false);
	}
	parser->depth--;
}

bool rust_name_demangle(const char *mangled, char *name, size_t room)
{
	struct parser parser = { .start = mangled + 2, .at = mangled + 2, .out = name,
				 .room = room };

	if (strncmp(mangled, "_R", 2) || !room)
		return false;
	print_path(&parser, true);
	/* Behind it is who made the copy, and what the linker has added. */
	return !parser.failed && parser.used;
}

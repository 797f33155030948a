/* SPDX-License-Identifier: MIT */
/*
 * frame_program.c - see frame_program.h.
 *
 *   frame_program_run ── read_common (CIE) ── run: its program, then the function's own (FDE),
 *                                             up to the place
 */
#include <config.h>

#include "profile/frame_program.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "support/compiler.h"

#define ROWS_KEPT	4		/* DW_CFA_remember_state within each other */
#define AUGMENTATION_BYTES	8

/* DW_EH_PE_* */
#define ENCODED_FORM		0x0f
#define ENCODED_RELATION	0x70
#define ENCODED_BY_PLACE	0x10

struct reader {
	const uint8_t *at, *end;
};

/* Of a CIE, and of the FDE that has it. */
struct program {
	uint64_t code_factor;
	int64_t data_factor;
	uint8_t encoding;
	bool is_augmented, is_signal, fails;
	uintptr_t location, place;
	struct frame_rule first;		/* after the CIE's own program */
	struct frame_rule kept[ROWS_KEPT];
	unsigned kept_count;
};

static uint64_t read_fixed(struct reader *reader, unsigned bytes)
{
	uint64_t value = 0;

	if ((size_t)(reader->end - reader->at) < bytes) {
		reader->at = reader->end;
		return 0;
	}
	memcpy(&value, reader->at, bytes);
	reader->at += bytes;
	return value;
}

/* ULEB128. */
static uint64_t frame_program_read_number(struct reader *reader)
{
	uint64_t value = 0;
	unsigned shift = 0;
	uint8_t byte;

	do {
		byte = (uint8_t)read_fixed(reader, 1);
		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	return value;
}

/* SLEB128. */
static int64_t read_signed(struct reader *reader)
{
	const uint8_t *start = reader->at;
	uint64_t value = frame_program_read_number(reader);
	unsigned bits = 7 * (unsigned)(reader->at - start);

	if (bits && bits < 64 && reader->at[-1] & 0x40)
		value |= ~(uint64_t)0 << bits;
	return (int64_t)value;
}

/* An address; 0: in a way that is not known. */
static uintptr_t read_address(struct reader *reader, uint8_t encoding, bool is_length)
{
	uintptr_t here = (uintptr_t)reader->at, value;

	switch (encoding & ENCODED_FORM) {
	case 0x00:
	case 0x04:
	case 0x0c:
		value = read_fixed(reader, 8);
		break;
	case 0x03:
		value = (uint32_t)read_fixed(reader, 4);
		break;
	case 0x0b:
		value = (uintptr_t)(int64_t)(int32_t)read_fixed(reader, 4);
		break;
	default:
		return 0;
	}
	if (!is_length && (encoding & ENCODED_RELATION) == ENCODED_BY_PLACE)
		value += here;
	return value;
}

/* By DWARF's number for it; FRAME_REGISTERS: not one of ours. */
static unsigned register_of(uint64_t number)
{
#if defined(__x86_64__)
	static const uint8_t of[] = { 8, 8, 8, 0, 8, 8, FRAME_BASE, FRAME_STACK, 8, 8, 8, 8,
				      1, 2, 3, 4, FRAME_RETURN };

	return number < sizeof(of) ? of[number] : FRAME_REGISTERS;
#else
	return number == 29 ? FRAME_BASE : number == 31 ? FRAME_STACK :
	       number == 30 ? FRAME_RETURN : FRAME_REGISTERS;
#endif
}

static void save(struct program *program, struct frame_rule *rule, uint64_t number, int64_t offset)
{
	unsigned of = register_of(number);

	if (of == FRAME_REGISTERS)
		return;
	if (offset <= INT16_MIN || offset > INT16_MAX) {
		program->fails |= of == FRAME_RETURN || of == FRAME_BASE;
		return;
	}
	rule->saved[of] = (int16_t)offset;
	rule->by_base &= (uint8_t)~(1u << of);
}

static void set_base(struct program *program, struct frame_rule *rule, uint64_t number,
		     int64_t offset)
{
	unsigned of = register_of(number);

	program->fails |= of == FRAME_REGISTERS;
	rule->kind = FRAME_BY_REGISTER;
	rule->base = (uint8_t)of;
	rule->offset = (int32_t)offset;
}

static void restore(struct program *program, struct frame_rule *rule, uint64_t number)
{
	unsigned of = register_of(number);

	if (of == FRAME_REGISTERS)
		return;
	rule->saved[of] = program->first.saved[of];
	rule->by_base =
		(uint8_t)((rule->by_base & ~(1u << of)) | (program->first.by_base & 1u << of));
}

/*
 * The expressions of functions that align their stack: "what a register + offset points at", and
 * for where a register is saved "a register + offset". *is_word: with the pointing.
 */
static bool read_expression(struct reader *reader, uint64_t *number, int64_t *offset, bool *is_word)
{
	uint64_t bytes = frame_program_read_number(reader);
	struct reader inner = { reader->at, reader->at + bytes };
	uint8_t operation;

	if (bytes > (uint64_t)(reader->end - reader->at)) {
		reader->at = reader->end;
		return false;
	}
	reader->at += bytes;
	operation = (uint8_t)read_fixed(&inner, 1);	/* DW_OP_breg0 … 31 */
	if (operation < 0x70 || operation > 0x8f)
		return false;
	*number = operation - 0x70u;
	*offset = read_signed(&inner);
	*is_word = inner.at < inner.end && *inner.at == 0x06;	/* DW_OP_deref */
	return inner.at + *is_word == inner.end;
}

static void set_by_expression(struct program *program, struct frame_rule *rule,
			      struct reader *reader)
{
	uint64_t number = UINT64_MAX;
	int64_t offset = 0;
	bool is_word = false;

	program->fails |= !read_expression(reader, &number, &offset, &is_word);
	set_base(program, rule, number, offset);
	rule->kind = is_word ? FRAME_BY_WORD : FRAME_BY_REGISTER;
}

static void save_by_expression(struct program *program, struct frame_rule *rule,
			       struct reader *reader)
{
	uint64_t saved = frame_program_read_number(reader), number = 0;
	unsigned of = register_of(saved);
	bool is_word = false, is_simple;
	int64_t offset = 0;

	is_simple = read_expression(reader, &number, &offset, &is_word) && !is_word &&
		    register_of(number) == FRAME_BASE;
	if (of == FRAME_REGISTERS)
		return;
	if (is_simple) {
		save(program, rule, saved, offset);
		rule->by_base |= (uint8_t)(1u << of);
	} else {
		program->fails |= of == FRAME_RETURN;
	}
}

static void keep_row(struct program *program, struct frame_rule *rule, bool keeps)
{
	if (keeps && program->kept_count < ROWS_KEPT)
		program->kept[program->kept_count++] = *rule;
	else if (!keeps && program->kept_count)
		*rule = program->kept[--program->kept_count];
	else
		program->fails = true;
}

/* What says where the frame's base is. False: it is another operation. */
static bool step_base(struct program *program, struct frame_rule *rule, struct reader *reader,
		      uint8_t operation)
{
	uint64_t number;

	switch (operation) {
	case 0x0c:	/* DW_CFA_def_cfa */
		number = frame_program_read_number(reader);
		set_base(program, rule, number, (int64_t)frame_program_read_number(reader));
		return true;
	case 0x0d:	/* DW_CFA_def_cfa_register */
		set_base(program, rule, frame_program_read_number(reader), rule->offset);
		return true;
	case 0x0e:	/* DW_CFA_def_cfa_offset */
		rule->offset = (int32_t)frame_program_read_number(reader);
		return true;
	case 0x0f:	/* DW_CFA_def_cfa_expression */
		set_by_expression(program, rule, reader);
		return true;
	case 0x12:	/* DW_CFA_def_cfa_sf */
		number = frame_program_read_number(reader);
		set_base(program, rule, number, read_signed(reader) * program->data_factor);
		return true;
	case 0x13:	/* DW_CFA_def_cfa_offset_sf */
		rule->offset = (int32_t)(read_signed(reader) * program->data_factor);
		return true;
	default:
		return false;
	}
}

/* What takes a whole byte, but for advances. */
static void step_extended(struct program *program, struct frame_rule *rule, struct reader *reader,
			  uint8_t operation)
{
	uint64_t number;

	switch (operation) {
	case 0x00:	/* DW_CFA_nop */
	case 0x2d:	/* AArch64: the return address is signed, or not */
		return;
	case 0x05:	/* DW_CFA_offset_extended */
		number = frame_program_read_number(reader);
		save(program, rule, number,
		     (int64_t)frame_program_read_number(reader) * program->data_factor);
		return;
	case 0x06:	/* DW_CFA_restore_extended */
		restore(program, rule, frame_program_read_number(reader));
		return;
	case 0x07:	/* DW_CFA_undefined */
		if (register_of(frame_program_read_number(reader)) == FRAME_RETURN)
			rule->by_base |= 1u << FRAME_STACK;	/* means: the last */
		return;
	case 0x08:	/* DW_CFA_same_value */
		number = register_of(frame_program_read_number(reader));
		if (number < FRAME_REGISTERS)
			rule->saved[number] = FRAME_KEPT;
		return;
	case 0x0a:
	case 0x0b:	/* DW_CFA_remember_state, DW_CFA_restore_state */
		keep_row(program, rule, operation == 0x0a);
		return;
	case 0x10:	/* DW_CFA_expression */
		save_by_expression(program, rule, reader);
		return;
	case 0x11:	/* DW_CFA_offset_extended_sf */
		number = frame_program_read_number(reader);
		save(program, rule, number, read_signed(reader) * program->data_factor);
		return;
	case 0x2e:	/* DW_CFA_GNU_args_size */
		frame_program_read_number(reader);
		return;
	default:
		program->fails |= !step_base(program, rule, reader, operation);
	}
}

/* False: what follows is behind the place. */
static bool advance(struct program *program, uint64_t by)
{
	program->location += by * program->code_factor;
	return program->location <= program->place;
}

static void run(struct program *program, struct frame_rule *rule, struct reader reader)
{
	while (reader.at < reader.end && !program->fails) {
		uint8_t operation = (uint8_t)read_fixed(&reader, 1), low = operation & 0x3f;
		bool goes_on = true;

		if (operation >> 6 == 1)
			goes_on = advance(program, low);
		else if (operation >= 0x02 && operation <= 0x04)	/* advance_loc1, 2, 4 */
			goes_on = advance(program, read_fixed(&reader, 1u << (operation - 2)));
		else if (operation >> 6 == 2)
			save(program, rule, low,
			     (int64_t)frame_program_read_number(&reader) * program->data_factor);
		else if (operation >> 6 == 3)
			restore(program, rule, low);
		else
			step_extended(program, rule, &reader, operation);
		if (!goes_on)
			return;
	}
}

/* An entry's contents; empty: it is in the 64-bit form, or the end. */
static struct reader open_entry(const uint8_t *entry)
{
	uint32_t length;

	memcpy(&length, entry, sizeof(length));
	if (length == UINT32_MAX)
		length = 0;
	return (struct reader){ entry + 4, entry + 4 + length };
}

static void read_augmentation(struct program *program, struct reader *reader, const char *letters)
{
	uint64_t bytes = frame_program_read_number(reader);
	struct reader inner = { reader->at, reader->at + bytes };

	if (bytes > (uint64_t)(reader->end - reader->at)) {
		program->fails = true;
		return;
	}
	reader->at += bytes;
	for (; *letters; letters++) {
		if (*letters == 'R')
			program->encoding = (uint8_t)read_fixed(&inner, 1);
		else if (*letters == 'L')
			read_fixed(&inner, 1);
		else if (*letters == 'P')
			read_address(&inner, (uint8_t)read_fixed(&inner, 1), true);
		else if (*letters == 'S')
			program->is_signal = true;
		else if (*letters != 'B')
			return;
	}
}

static void read_common(struct program *program, struct frame_rule *rule, const uint8_t *entry)
{
	struct reader reader = open_entry(entry);
	char letters[AUGMENTATION_BYTES] = "";
	unsigned i, version;

	read_fixed(&reader, 4);
	version = (unsigned)read_fixed(&reader, 1);
	for (i = 0; i < AUGMENTATION_BYTES - 1 && (letters[i] = (char)read_fixed(&reader, 1)); i++)
		;
	program->fails = letters[i] || (version != 1 && version != 3);
	program->code_factor = frame_program_read_number(&reader);
	program->data_factor = read_signed(&reader);
	if (version == 1)
		read_fixed(&reader, 1);
	else
		frame_program_read_number(&reader);
	program->is_augmented = letters[0] == 'z';
	if (program->is_augmented)
		read_augmentation(program, &reader, letters + 1);
	else
		program->fails |= letters[0] != '\0';
	if (!program->fails)
		run(program, rule, reader);
	program->first = *rule;
}

static void begin_rule(struct frame_rule *rule)
{
	unsigned i;

	for (i = 0; i < FRAME_REGISTERS; i++)
		rule->saved[i] = FRAME_KEPT;
	rule->by_base = 0;
}

static enum frame_kind kind_of(const struct program *program, const struct frame_rule *rule)
{
	if (program->is_signal)
		return FRAME_OF_SIGNAL;
	if (program->fails)
		return FRAME_UNKNOWN;
	if (rule->by_base & 1u << FRAME_STACK)
		return FRAME_LAST;
	return (enum frame_kind)rule->kind;
}

void frame_program_run(const uint8_t *description, uintptr_t place, struct frame_rule *rule)
{
	struct reader reader = open_entry(description);
	struct program program = { .place = UINTPTR_MAX };	/* of the CIE's all is run */
	const uint8_t *back = reader.at;
	uint32_t distance = (uint32_t)read_fixed(&reader, 4);
	uintptr_t start, length;

	begin_rule(rule);
	if (!distance)
		return;
	read_common(&program, rule, back - distance);
	start = read_address(&reader, program.encoding, false);
	length = read_address(&reader, program.encoding, true);
	if (!start || place - start >= length)
		return;
	if (program.is_augmented) {
		uint64_t bytes = frame_program_read_number(&reader);

		reader.at += bytes < (uint64_t)(reader.end - reader.at) ? bytes : 0;
	}
	program.location = start;
	program.place = place;
	if (!program.fails)
		run(&program, rule, reader);
	rule->kind = (uint8_t)kind_of(&program, rule);
}

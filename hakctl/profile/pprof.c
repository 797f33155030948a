/* SPDX-License-Identifier: MIT */
/* See pprof.h: the writer. Numbers of fields are those of profile.proto. */
#include <config.h>

#include "hakctl/profile/pprof.h"

#include <stdlib.h>
#include <string.h>

#include "hakctl/output/gzip.h"
#include "hakctl/output/message.h"

struct buffer {
	char *bytes;
	size_t length, room;
};

/* More than all frames that a library keeps have names and files. */
#define SLOTS (1u << 21)

struct texts {
	const char **list; /* by number */
	size_t count;
	uint32_t *slots; /* number + 1; 0: empty */
};

static void put_bytes(struct buffer *to, const void *bytes, size_t length)
{
	while (to->length + length > to->room) {
		to->room = to->room ? 2 * to->room : 65536;
		to->bytes = realloc(to->bytes, to->room);
		if (!to->bytes)
			message_out_of_memory();
	}
	if (length)
		memcpy(to->bytes + to->length, bytes, length);
	to->length += length;
}

static void put_varint(struct buffer *to, uint64_t value)
{
	unsigned char bytes[10];
	size_t length = 0;

	do {
		bytes[length++] = (unsigned char)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
		value >>= 7;
	} while (value);
	put_bytes(to, bytes, length);
}

static void put_number(struct buffer *to, unsigned field, uint64_t value)
{
	put_varint(to, field << 3);
	put_varint(to, value);
}

static void put_field(struct buffer *to, unsigned field, const void *bytes, size_t length)
{
	put_varint(to, field << 3 | 2);
	put_varint(to, length);
	put_bytes(to, bytes, length);
}

/* A message within another one; it is emptied. */
static void put_message(struct buffer *to, unsigned field, struct buffer *message)
{
	put_field(to, field, message->bytes, message->length);
	message->length = 0;
}

static size_t slot_of(const struct texts *texts, const char *text)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (const char *letter = text; *letter; letter++)
		hash = (hash ^ (unsigned char)*letter) * 0x100000001b3u;
	hash %= SLOTS;
	while (texts->slots[hash] && strcmp(texts->list[texts->slots[hash] - 1], text))
		hash = (hash + 1) % SLOTS;
	return hash;
}

/* A text's number; equal ones are one. */
static uint64_t text_number(struct texts *texts, const char *text)
{
	size_t slot = slot_of(texts, text);

	if (texts->slots[slot])
		return texts->slots[slot] - 1;
	texts->list = realloc(texts->list, (texts->count + 1) * sizeof(*texts->list));
	if (!texts->list)
		message_out_of_memory();
	texts->list[texts->count++] = text;
	texts->slots[slot] = (uint32_t)texts->count;
	return texts->count - 1;
}

static void put_value_type(struct buffer *to, unsigned field, struct texts *texts, const char *type,
			   const char *unit)
{
	struct buffer message = { NULL, 0, 0 };

	put_number(&message, 1, text_number(texts, type));
	put_number(&message, 2, text_number(texts, unit));
	put_message(to, field, &message);
	free(message.bytes);
}

static int64_t rounded(double value)
{
	return (int64_t)(value < 0 ? value - 0.5 : value + 0.5);
}

static void put_samples(struct buffer *to, const struct heap_profile *profile)
{
	struct buffer message = { NULL, 0, 0 }, list = { NULL, 0, 0 };

	for (size_t i = 0; i < profile->stack_count; i++) {
		const struct profile_stack *stack = &profile->stacks[i];

		for (unsigned k = 0; k < stack->depth; k++)
			put_varint(&list, stack->frames[k] + 1);
		put_message(&message, 1, &list);
		for (int k = 0; k < PROFILE_VALUES; k++)
			put_varint(&list, (uint64_t)rounded(stack->values[k]));
		put_message(&message, 2, &list);
		put_message(to, 2, &message);
	}
	free(message.bytes);
	free(list.bytes);
}

static void put_mappings(struct buffer *to, const struct heap_profile *profile, struct texts *texts)
{
	struct buffer message = { NULL, 0, 0 };

	for (size_t i = 0; i < profile->mapping_count; i++) {
		const struct profile_mapping *mapping = &profile->mappings[i];

		put_number(&message, 1, i + 1);
		put_number(&message, 2, mapping->start);
		put_number(&message, 3, mapping->end);
		put_number(&message, 4, mapping->offset);
		put_number(&message, 5, text_number(texts, mapping->path));
		put_number(&message, 6, text_number(texts, mapping->build_id));
		/* Functions, file names and lines are there: nothing is left to look up. */
		for (unsigned field = 7; field <= 9; field++)
			put_number(&message, field, 1);
		put_message(to, 3, &message);
	}
	free(message.bytes);
}

/* A function a frame: a frame is a place, and its name may be another's too. */
static void put_locations(struct buffer *to, const struct heap_profile *profile,
			  struct texts *texts)
{
	struct buffer message = { NULL, 0, 0 }, line = { NULL, 0, 0 };

	for (size_t i = 0; i < profile->frame_count; i++) {
		const struct profile_frame *frame = &profile->frames[i];

		put_number(&message, 1, i + 1);
		put_number(&message, 2, frame->mapping);
		put_number(&message, 3, frame->address);
		put_number(&line, 1, i + 1);
		put_number(&line, 2, frame->line);
		put_message(&message, 4, &line);
		put_message(to, 4, &message);
		put_number(&message, 1, i + 1);
		put_number(&message, 2,
			   text_number(texts, *frame->function ?
						      frame->function :
						      strdup(heap_profile_name(frame))));
		put_number(&message, 3, text_number(texts, frame->mangled));
		put_number(&message, 4, text_number(texts, frame->file));
		put_message(to, 5, &message);
	}
	free(message.bytes);
	free(line.bytes);
}

static void put_profile(struct buffer *to, const struct heap_profile *profile)
{
	const struct control_profile *state = &profile->state;
	uint64_t end_ns = state->ended_ns ? state->ended_ns : state->now_ns;
	struct texts texts = { .slots = calloc(SLOTS, sizeof(uint32_t)) };

	if (!texts.slots)
		message_out_of_memory();
	text_number(&texts, "");
	put_value_type(to, 1, &texts, "alloc_objects", "count");
	put_value_type(to, 1, &texts, "alloc_space", "bytes");
	put_value_type(to, 1, &texts, "inuse_objects", "count");
	put_value_type(to, 1, &texts, "inuse_space", "bytes");
	put_samples(to, profile);
	put_mappings(to, profile, &texts);
	put_locations(to, profile, &texts);
	put_number(to, 9, profile->date_ns);
	put_number(to, 10, end_ns - state->begun_ns);
	put_value_type(to, 11, &texts, "space", "bytes");
	put_number(to, 12, state->interval_bytes);
	put_number(to, 14, text_number(&texts, "inuse_space"));
	for (size_t i = 0; i < texts.count; i++)
		put_field(to, 6, texts.list[i], strlen(texts.list[i]));
	free(texts.list);
	free(texts.slots);
}

bool pprof_write(const struct heap_profile *profile, FILE *file)
{
	struct buffer plain = { NULL, 0, 0 };
	size_t length;
	char *packed;
	bool done;

	put_profile(&plain, profile);
	packed = gzip_pack(plain.bytes, plain.length, &length);
	done = fwrite(packed, 1, length, file) == length && !fflush(file);
	free(packed);
	free(plain.bytes);
	return done;
}

/* SPDX-License-Identifier: MIT */
/* See pprof.h: the reader. A file is not trusted: every length is checked. */
#include <config.h>

#include "hakctl/profile/pprof.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hakctl/output/message.h"

#ifdef HAVE_LIBDW

#include <zlib.h>

#define FILE_MOST ((size_t)1 << 28)

struct span {
	const unsigned char *at, *end;
};

/* One field: a number, or a span of bytes. */
struct field {
	unsigned number;
	uint64_t value;
	struct span bytes;
};

static uint64_t take_varint(struct span *from)
{
	uint64_t value = 0;

	for (unsigned shift = 0; from->at < from->end; shift += 7) {
		unsigned char byte = *from->at++;

		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			break;
	}
	return value;
}

/* False: the end, or nonsense. */
static bool take_field(struct span *from, struct field *field)
{
	uint64_t key = take_varint(from);

	*field = (struct field){ .number = (unsigned)(key >> 3) };
	if (!field->number)
		return false;
	field->value = take_varint(from);
	if ((key & 7) == 0)
		return true;
	if ((key & 7) != 2 || field->value > (uint64_t)(from->end - from->at))
		return false;
	field->bytes = (struct span){ from->at, from->at + field->value };
	from->at += field->value;
	return true;
}

struct texts {
	const char **list;
	size_t count;
};

static struct texts read_texts(struct span from, struct heap_profile *profile)
{
	struct texts texts = { NULL, 0 };
	struct field field;

	while (take_field(&from, &field)) {
		char *text;

		if (field.number != 6)
			continue;
		text = strndup((const char *)field.bytes.at, field.value);
		texts.list = realloc(texts.list, (texts.count + 1) * sizeof(*texts.list));
		if (!text || !texts.list)
			message_out_of_memory();
		texts.list[texts.count++] = heap_profile_text(profile, text);
		free(text);
	}
	return texts;
}

static const char *text_of(const struct texts *texts, uint64_t number)
{
	return number < texts->count ? texts->list[number] : "";
}

/* A location is followed by its function, of the same number: both make a frame. */
static void read_location(struct span from, struct profile_frame *frame)
{
	struct field field, line;

	while (take_field(&from, &field)) {
		if (field.number == 3)
			frame->address = field.value;
		if (field.number != 4)
			continue;
		while (take_field(&field.bytes, &line))
			if (line.number == 2)
				frame->line = (unsigned)line.value;
	}
}

static void read_function(struct span from, const struct texts *texts, struct profile_frame *frame)
{
	struct field field;

	while (take_field(&from, &field)) {
		if (field.number == 2)
			frame->function = text_of(texts, field.value);
		if (field.number == 3)
			frame->mangled = text_of(texts, field.value);
		if (field.number == 4)
			frame->file = text_of(texts, field.value);
	}
}

static void read_frames(struct span from, const struct texts *texts, struct heap_profile *profile)
{
	struct profile_frame frame;
	struct field field;

	while (take_field(&from, &field)) {
		if (field.number == 4) {
			frame = (struct profile_frame){ .place = "", .function = "",
							 .mangled = "", .file = "" };
			read_location(field.bytes, &frame);
			heap_profile_add_frame(profile, &frame);
		} else if (field.number == 5 && profile->frame_count) {
			read_function(field.bytes, texts,
				      &profile->frames[profile->frame_count - 1]);
		}
	}
}

static void read_sample(struct span from, size_t frame_count, struct profile_stack *stack)
{
	struct field field;

	while (take_field(&from, &field)) {
		struct span list = field.bytes;

		if (field.number == 1 && !stack->frames) {
			stack->frames = calloc(field.value + 1, sizeof(*stack->frames));
			if (!stack->frames)
				message_out_of_memory();
			while (list.at < list.end) {
				uint64_t number = take_varint(&list);

				if (number >= 1 && number <= frame_count)
					stack->frames[stack->depth++] = number - 1;
			}
		}
		for (int i = 0; field.number == 2 && i < PROFILE_VALUES && list.at < list.end; i++)
			stack->values[i] = (double)(int64_t)take_varint(&list);
	}
}

static void read_samples(struct span from, struct heap_profile *profile)
{
	struct field field;

	while (take_field(&from, &field)) {
		if (field.number == 9)
			profile->date_ns = field.value;
		if (field.number == 12)
			profile->state.interval_bytes = field.value;
		if (field.number != 2)
			continue;
		profile->stacks = realloc(profile->stacks, (profile->stack_count + 1) *
								   sizeof(*profile->stacks));
		if (!profile->stacks)
			message_out_of_memory();
		memset(&profile->stacks[profile->stack_count], 0, sizeof(*profile->stacks));
		read_sample(field.bytes, profile->frame_count,
			    &profile->stacks[profile->stack_count++]);
	}
}

/* A pipe without a writer would keep its reader waiting. */
static int open_file(const char *path, struct failure *failure)
{
	int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;

	if (file < 0 || fstat(file, &status)) {
		failure_set(failure, EXIT_REFUSED, "%s: %s", path, strerror(errno));
	} else if (!S_ISREG(status.st_mode)) {
		failure_set(failure, EXIT_REFUSED, "%s: is not a file", path);
	} else {
		return file;
	}
	if (file >= 0)
		close(file);
	return -1;
}

static unsigned char *unpack(int file, size_t *length)
{
	unsigned char *bytes = NULL;
	gzFile packed = gzdopen(file, "rb");
	size_t room = 0;
	int got = 1;

	*length = 0;
	if (!packed)
		message_out_of_memory();
	while (got > 0 && *length < FILE_MOST) {
		room += 1 << 20;
		bytes = realloc(bytes, room);
		if (!bytes)
			message_out_of_memory();
		got = gzread(packed, bytes + *length, 1 << 20);
		*length += got > 0 ? (size_t)got : 0;
	}
	gzclose(packed);
	return bytes;
}

bool pprof_read(const char *path, struct heap_profile *profile, struct failure *failure)
{
	int file = open_file(path, failure);
	unsigned char *bytes;
	struct texts texts;
	size_t length;

	*profile = (struct heap_profile){ .frames = NULL };
	if (file < 0)
		return false;
	bytes = unpack(file, &length);
	texts = read_texts((struct span){ bytes, bytes + length }, profile);
	read_frames((struct span){ bytes, bytes + length }, &texts, profile);
	read_samples((struct span){ bytes, bytes + length }, profile);
	free(texts.list);
	free(bytes);
	if (!profile->frame_count)
		return failure_set(failure, EXIT_REFUSED,
				   "%s: no profile of `hakctl profile dump -o FILE.pb.gz`", path);
	return true;
}

#else

bool pprof_read(const char *path, struct heap_profile *profile, struct failure *failure)
{
	(void)profile;
	return failure_set(failure, EXIT_REFUSED,
			   "%s: this hakctl was built without elfutils and zlib", path);
}

#endif

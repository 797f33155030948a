/* SPDX-License-Identifier: MIT */
/* See reply.h; connection.c feeds it messages, snapshot.c the texts of a snapshot. */
#include <config.h>

#include "hakctl/client/reply.h"

#include <stdlib.h>
#include <string.h>

#include "hakctl/output/message.h"

/* Where the texts are in each body. */
static const struct text_field {
	enum control_kind kind;
	size_t offset, bytes;
} text_fields[] = {
#define TEXT(kind, type, field)                                                          \
	{                                                                                \
		kind, offsetof(struct type, field), sizeof(((struct type *)NULL)->field) \
	}
	TEXT(CONTROL_HELLO, control_hello, release),
	TEXT(CONTROL_ERROR, control_error, text),
	TEXT(CONTROL_STATS, control_ledger, mode),
	TEXT(CONTROL_STATS, control_ledger, notice),
	TEXT(CONTROL_LIST, control_setting, name),
	TEXT(CONTROL_LIST, control_setting, text),
	TEXT(CONTROL_LIST, control_setting, words),
	TEXT(CONTROL_LIST, control_setting, help),
	TEXT(CONTROL_DOCTOR, control_rung, name),
	TEXT(CONTROL_DOCTOR, control_rung, cause),
#undef TEXT
};

static void clean_text(unsigned char *text, size_t bytes)
{
	size_t i;

	text[bytes - 1] = '\0';
	/* Also 0x80-0x9f: a terminal may take them for escapes. Nothing else is not ASCII. */
	for (i = 0; text[i]; i++)
		if (text[i] < ' ' || text[i] >= 0x7f)
			text[i] = '?';
	memset(text + i, 0, bytes - i);
}

void reply_clean_texts(enum control_kind kind, void *body, size_t bytes)
{
	/* Three kinds of request are answered by the same struct. */
	if (kind == CONTROL_GET || kind == CONTROL_SET)
		kind = CONTROL_LIST;
	for (size_t i = 0; i < sizeof(text_fields) / sizeof(text_fields[0]); i++) {
		const struct text_field *field = &text_fields[i];

		if (field->kind == kind && field->offset + field->bytes <= bytes)
			clean_text((unsigned char *)body + field->offset, field->bytes);
	}
}

static bool version_is_known(unsigned version)
{
	return version >= CONTROL_VERSION_LOWEST && version <= CONTROL_VERSION;
}

enum reply_class reply_parse(const void *message, size_t bytes, struct reply *reply)
{
	const struct control_head *head = &reply->head;

	if (bytes < sizeof(*head))
		return REPLY_MALFORMED;
	memcpy(&reply->head, message, sizeof(*head));
	reply->body = (const unsigned char *)message + sizeof(*head);
	reply->body_bytes = bytes - sizeof(*head);
	if (head->magic != CONTROL_MAGIC || head->bytes != bytes)
		return REPLY_MALFORMED;
	if (head->rows &&
	    (!head->row_bytes || reply->body_bytes / head->row_bytes < head->rows))
		return REPLY_MALFORMED;
	/* These two keep their shape in every version; a later one may be longer. */
	if (head->kind == CONTROL_ERROR)
		return reply->body_bytes >= sizeof(struct control_error) ?
			       REPLY_ERROR :
			       REPLY_MALFORMED;
	if (head->kind == CONTROL_HELLO)
		return reply->body_bytes >= sizeof(struct control_hello) ?
			       REPLY_GOOD :
			       REPLY_MALFORMED;
	if (!version_is_known(head->version))
		return REPLY_OTHER_VERSION;
	return REPLY_GOOD;
}

void reply_take_body(const struct reply *reply, void *body, size_t bytes)
{
	size_t known = reply->body_bytes < bytes ? reply->body_bytes : bytes;

	memset(body, 0, bytes);
	memcpy(body, reply->body, known);
	reply_clean_texts(reply->head.kind, body, bytes);
}

static void make_room(struct reply_rows *rows, size_t count)
{
	size_t room = rows->room ? rows->room : 64;

	while (room < count)
		room *= 2;
	if (room == rows->room)
		return;
	rows->rows = realloc(rows->rows, room * rows->row_bytes);
	if (!rows->rows)
		message_out_of_memory();
	rows->room = room;
}

bool reply_add_rows(struct reply_rows *rows, const struct reply *reply)
{
	size_t theirs = reply->head.row_bytes;
	size_t known = theirs < rows->row_bytes ? theirs : rows->row_bytes;

	if (reply->head.rows > REPLY_MOST_ROWS - rows->count ||
	    (reply->head.rows && reply->head.first != rows->count))
		return false;
	make_room(rows, rows->count + reply->head.rows);
	for (size_t i = 0; i < reply->head.rows; i++) {
		unsigned char *row = rows->rows + rows->count++ * rows->row_bytes;

		memset(row, 0, rows->row_bytes);
		memcpy(row, reply->body + i * theirs, known);
		reply_clean_texts(reply->head.kind, row, rows->row_bytes);
	}
	return true;
}

void reply_free_rows(struct reply_rows *rows)
{
	free(rows->rows);
	rows->rows = NULL;
	rows->count = rows->room = 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * The parser of what a library answers. A reply is not trusted: lengths are checked, texts
 * are ended and rid of control characters, and rows that are longer or shorter than ours
 * are taken as far as both know them. Knows no sockets; the fuzzer calls it directly.
 */
#ifndef HAKCTL_CLIENT_REPLY_H
#define HAKCTL_CLIENT_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include <hakmem/control.h>

/* More than any process can have: a superslab of 2 MiB each in 32 TiB. */
enum { REPLY_MOST_ROWS = 1 << 24 };

enum reply_class {
	REPLY_GOOD,
	REPLY_ERROR,	     /* the body is a control_error */
	REPLY_OTHER_VERSION, /* of the protocol; nothing behind the head is understood */
	REPLY_MALFORMED,
};

/* One message; body points into what was parsed. */
struct reply {
	struct control_head head;
	const unsigned char *body;
	size_t body_bytes;
};

enum reply_class reply_parse(const void *message, size_t bytes, struct reply *reply);

/* The body as the struct of its kind, `bytes` long; what the library did not send is zero. */
void reply_take_body(const struct reply *reply, void *body, size_t bytes);

/* Rows of one kind, from one message or several, as long as our struct of them. */
struct reply_rows {
	unsigned char *rows;
	size_t row_bytes; /* of one of ours */
	size_t count, room;
};

/* Adds the rows of one message; false: they do not follow on those before. */
bool reply_add_rows(struct reply_rows *rows, const struct reply *reply);
void reply_free_rows(struct reply_rows *rows);

/* Ends and cleans the texts in a struct of this kind, wherever it came from. */
void reply_clean_texts(enum control_kind kind, void *body, size_t bytes);

#endif

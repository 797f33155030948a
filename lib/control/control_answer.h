/* SPDX-License-Identifier: MIT */
/*
 * control_answer.h - from a request to the messages that answer it. It reads the request once,
 * trusts nothing in it, and knows neither sockets nor clocks: the fuzzer's way in. The
 * control thread alone calls it. It allocates nothing and takes no lock.
 */
#ifndef HAKMEM_CONTROL_CONTROL_ANSWER_H
#define HAKMEM_CONTROL_CONTROL_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hakmem/control.h>

/* The longest request that has a meaning. */
#define CONTROL_ANSWER_REQUEST_BYTES	(sizeof(struct control_head) + 256)

/* An answer that is being given: rows are made when they are sent, not kept. */
struct control_answer {
	uint16_t kind;		/* 0: none, it is finished */
	uint16_t error;		/* enum control_error_code; 0: none */
	uint32_t serial;
	uint32_t next, rows;	/* of rows: the next one to send, how many there are */
	const char *cause;	/* of the error, a constant */
	char body[256];		/* of the request, zeroes behind it */
};

/*
 * bytes: how long the message was, of which no more than CONTROL_ANSWER_REQUEST_BYTES are at
 * request. Always begins an answer, if only an error.
 */
void control_answer_begin(struct control_answer *answer, const void *request, size_t bytes);

/* An answer to nobody's question: why the connection ends. cause: a constant. */
void control_answer_refuse(struct control_answer *answer, uint16_t code, const char *cause);

/*
 * Writes the next message; returns its length, 0: there is none (any more). The same one again
 * until _sent is called. message: CONTROL_REPLY_BYTES, aligned to 8.
 */
size_t control_answer_next(const struct control_answer *answer, void *message);
void control_answer_sent(struct control_answer *answer, const void *message);

#endif

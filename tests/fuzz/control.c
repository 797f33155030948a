/* SPDX-License-Identifier: MIT */
/*
 * control.c - requests of the control socket, as wrong as can be. An input is lines that build
 * one request after another:
 *
 *   k KIND   v VERSION   m MAGIC   l BYTES   what the head says; l 0: the true length
 *   z COUNT   w NUMBER   n NAME              body: zeroes, a word of 8 bytes, a name of 48
 *   s CUT                                    sends it, cut short by so many bytes
 */
#include <stdlib.h>
#include <string.h>

#include <hakmem/hakmem.h>

#include "control/control_answer.h"
#include "control/limits.h"

#include "tests/fuzz/fuzz.h"

const char fuzz_letters[] = "kkvmlzzwwnnssss";

enum { MESSAGES_MOST = 100000, NAME_BYTES = 48 };

static struct {
	struct control_head head;
	unsigned char body[CONTROL_REQUEST_BYTES - sizeof(struct control_head)];
} request;
static size_t body_bytes;
static char message[CONTROL_REPLY_BYTES] __attribute__((aligned(8)));

static void add(const void *bytes, size_t count)
{
	if (count > sizeof(request.body) - body_bytes)
		count = sizeof(request.body) - body_bytes;
	if (bytes)
		memcpy(request.body + body_bytes, bytes, count);
	else
		memset(request.body + body_bytes, 0, count);
	body_bytes += count;
}

static void check(const struct control_head *head, size_t bytes)
{
	FUZZ_CHECK(bytes >= sizeof(*head) && bytes <= CONTROL_REPLY_BYTES);
	FUZZ_CHECK(head->magic == CONTROL_MAGIC && head->bytes == bytes);
	FUZZ_CHECK(!head->row_bytes ||
		   bytes == sizeof(*head) + (size_t)head->rows * head->row_bytes);
	if (head->kind == CONTROL_ERROR) {
		const struct control_error *error = (const struct control_error *)(head + 1);

		FUZZ_CHECK(error->code && error->text[0]);
		FUZZ_CHECK(memchr(error->text, 0, sizeof(error->text)));
	}
}

static void send(size_t cut)
{
	size_t bytes = sizeof(request.head) + body_bytes, answered = 0;
	struct control_answer answer;
	bool waits = false;

	bytes -= cut < bytes ? cut : bytes;
	if (!request.head.bytes)
		request.head.bytes = (uint32_t)bytes;
	/* What is longer than a request can be does not reach the buffer either. */
	control_answer_begin(&answer, &request, bytes);
	for (; answer.kind && answered < MESSAGES_MOST; answered++) {
		size_t length = control_answer_next(&answer, message);

		/* For the helper, which is not there. */
		waits = !length && answer.kind == CONTROL_PURGE;
		if (waits)
			break;
		check((const struct control_head *)message, length);
		control_answer_sent(&answer, message);
	}
	FUZZ_CHECK((answered > 0 || waits) && answered < MESSAGES_MOST);
	body_bytes = 0;
	request.head.bytes = 0;
	fuzz_operations++;
}

static void obey(const char *line)
{
	unsigned long number = strtoul(line + 1, NULL, 0);
	char name[NAME_BYTES] = { 0 };
	uint64_t word = number;

	switch (line[0]) {
	case 'k':
		/* Small ones are kinds; the others are left as they come. */
		request.head.kind = (uint16_t)(number > 1000 ? number % 16 : number);
		break;
	case 'v':
		request.head.version = (uint16_t)number;
		break;
	case 'm':
		request.head.magic = (uint32_t)number;
		break;
	case 'l':
		request.head.bytes = (uint32_t)number;
		break;
	case 'z':
		add(NULL, number % 4096);
		break;
	case 'w':
		add(&word, sizeof(word));
		break;
	case 'n':
		/* As it comes: a name may have no end. */
		memcpy(name, line[1] ? line + 2 : "",
		       strnlen(line[1] ? line + 2 : "", sizeof(name)));
		add(name, sizeof(name));
		break;
	case 's':
		send(number % 64);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct control_limit none = {
		UINT64_MAX, UINT64_MAX, CONTROL_LIMIT_NULL,
		CONTROL_LIMIT_SOFT | CONTROL_LIMIT_HARD | CONTROL_LIMIT_WHAT
	};
	const char *cause;
	char line[128];
	size_t length = 0, i;

	memset(&request, 0, sizeof(request));
	request.head.magic = CONTROL_MAGIC;
	request.head.version = CONTROL_VERSION;
	body_bytes = 0;
	/* At the limit that the last input set, this process may have to wait, or to end. */
	limits_change(&none, &cause);
	hak_free(hak_malloc(100));
	for (i = 0; i < size; i++) {
		if (data[i] != '\n' && length < sizeof(line) - 1) {
			line[length++] = (char)data[i];
			continue;
		}
		line[length] = '\0';
		obey(line);
		length = 0;
	}
	return 0;
}

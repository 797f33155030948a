/* SPDX-License-Identifier: MIT */
/*
 * The parser of replies, fed with anything: it must neither read past the message, nor let
 * a text through that does not end or that a terminal would obey. `make check` replays the seeds
 * (FILE or folder of FILEs: hexadecimal, # begins a comment) and some thousand changes of
 * each, always the same ones; with -fsanitize=fuzzer and -DFUZZ_FOR_EVER it goes on by itself.
 */
#include <config.h>

#include <ctype.h>
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hakmem/control.h>

#include "hakctl/client/ledger.h"
#include "hakctl/client/reply.h"

enum { CHANGES_A_SEED = 4000, MOST_BYTES = 1 << 17 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Every struct that a body or a row may become. */
static const struct {
	enum control_kind kind;
	size_t bytes;
} shapes[] = {
	{ CONTROL_HELLO, sizeof(struct control_hello) },
	{ CONTROL_ERROR, sizeof(struct control_error) },
	{ CONTROL_STATS, sizeof(struct control_ledger) },
	{ CONTROL_CLASSES, sizeof(struct control_class) },
	{ CONTROL_THREADS, sizeof(struct control_thread) },
	{ CONTROL_NODES, sizeof(struct control_node) },
	{ CONTROL_MAP, sizeof(struct control_superslab) },
	{ CONTROL_STRAYS, sizeof(struct control_stray) },
	{ CONTROL_LIST, sizeof(struct control_setting) },
	{ CONTROL_GET, sizeof(struct control_setting) },
	{ CONTROL_SET, sizeof(struct control_setting) },
	{ CONTROL_PURGE, sizeof(struct control_purged) },
	{ CONTROL_LIMIT, sizeof(struct control_limit) },
	{ CONTROL_DOCTOR, sizeof(struct control_rung) },
};

static void must(bool holds, const char *what)
{
	if (holds)
		return;
	printf("%s\n", what);
	abort();
}

static void check_text(const char *text, size_t bytes)
{
	must(memchr(text, 0, bytes) != NULL, "a text does not end");
	for (; *text; text++)
		must(*text >= ' ' && *text <= '~',
		     "a text holds what a terminal may obey");
}

static void check_setting(const struct control_setting *setting)
{
	check_text(setting->name, sizeof(setting->name));
	check_text(setting->text, sizeof(setting->text));
	check_text(setting->words, sizeof(setting->words));
	check_text(setting->help, sizeof(setting->help));
}

static void check_body(enum control_kind kind, const void *body)
{
	const struct control_ledger *ledger = body;
	const struct control_rung *rung = body;
	struct ledger_term terms[LEDGER_MOST_TERMS];

	if (kind == CONTROL_STATS) {
		uint64_t sum = 0;
		size_t count = ledger_terms(ledger, terms);

		check_text(ledger->mode, sizeof(ledger->mode));
		check_text(ledger->notice, sizeof(ledger->notice));
		for (size_t i = 0; i < count; i++)
			sum += (uint64_t)terms[i].bytes;
		must(sum == ledger->populated_bytes, "the terms do not add up");
	}
	if (kind == CONTROL_LIST || kind == CONTROL_GET || kind == CONTROL_SET)
		check_setting(body);
	if (kind == CONTROL_DOCTOR) {
		check_text(rung->name, sizeof(rung->name));
		check_text(rung->cause, sizeof(rung->cause));
	}
	if (kind == CONTROL_ERROR)
		check_text(((const struct control_error *)body)->text,
			   sizeof(((const struct control_error *)body)->text));
}

static void take(const struct reply *reply, enum control_kind kind, size_t bytes)
{
	struct reply_rows rows = { .row_bytes = bytes };
	void *body = malloc(bytes);

	reply_take_body(reply, body, bytes);
	check_body(kind, body);
	free(body);
	/* Twice: the second does not follow on the first. */
	if (reply_add_rows(&rows, reply)) {
		must(!reply->head.rows || !reply_add_rows(&rows, reply),
		     "rows are taken twice");
		for (size_t i = 0; i < rows.count; i++)
			check_body(kind, rows.rows + i * bytes);
	}
	reply_free_rows(&rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	/* Exactly as long as the message, so that a sanitizer sees what is read behind it. */
	uint8_t *message = malloc(size ? size : 1);
	struct reply reply;
	enum reply_class class;

	memcpy(message, bytes, size);
	class = reply_parse(message, size, &reply);
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		if ((class == REPLY_GOOD || class == REPLY_ERROR) &&
		    reply.head.kind == shapes[i].kind)
			take(&reply, shapes[i].kind, shapes[i].bytes);
	free(message);
	return 0;
}

#ifndef FUZZ_FOR_EVER
static size_t read_seed(const char *path, uint8_t *bytes)
{
	FILE *file = fopen(path, "r");
	char line[4096];
	size_t size = 0;

	if (!file) {
		perror(path);
		exit(1);
	}
	while (fgets(line, sizeof(line), file))
		for (char *at = line; *at && *at != '#'; at++)
			if (isxdigit((unsigned char)at[0]) &&
			    isxdigit((unsigned char)at[1]) && size < MOST_BYTES) {
				char two[3] = { at[0], at[1], '\0' };

				bytes[size++] = (uint8_t)strtoul(two, NULL, 16);
				at++;
			}
	fclose(file);
	return size;
}

/* xorshift64 */
static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Mostly in the head, where the lengths are; now and then shorter. */
static size_t change(const uint8_t *seed, size_t size, uint8_t *bytes, uint64_t *state)
{
	unsigned changes = 1 + (unsigned)(next(state) % 4);

	memcpy(bytes, seed, size);
	while (size && changes--) {
		size_t span = next(state) % 3 ? 32 : size;
		size_t at = next(state) % (span < size ? span : size);

		bytes[at] = (uint8_t)next(state);
	}
	if (next(state) % 8 == 0 && size)
		size = next(state) % size;
	/* The length of the whole is checked first: let it be right mostly. */
	if (size >= 12 && next(state) % 4) {
		uint32_t whole = (uint32_t)size;

		memcpy(bytes + 8, &whole, sizeof(whole));
	}
	return size;
}

static void replay(const char *path)
{
	static uint8_t seed[MOST_BYTES], bytes[MOST_BYTES];
	size_t size = read_seed(path, seed);
	uint64_t state = 88172645463325252u;

	must(size > 0, path);
	LLVMFuzzerTestOneInput(seed, size);
	for (int i = 0; i < CHANGES_A_SEED; i++)
		LLVMFuzzerTestOneInput(bytes, change(seed, size, bytes, &state));
}

int main(int argc, char **argv)
{
	const char *top = getenv("top_srcdir");
	char folder[4096], path[8192];
	struct dirent *entry;
	unsigned count = 0;
	DIR *seeds;

	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	if (argc > 1)
		return 0;
	snprintf(folder, sizeof(folder), "%s/tests/hakctl/seeds", top ? top : ".");
	seeds = opendir(folder);
	if (!seeds) {
		perror(folder);
		return 1;
	}
	while ((entry = readdir(seeds))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		replay(path);
		count++;
	}
	closedir(seeds);
	printf("%u seeds, %d changes of each\n", count, CHANGES_A_SEED);
	return count < 5;
}
#endif

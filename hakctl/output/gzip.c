/* SPDX-License-Identifier: MIT */
/* See gzip.h; http_server.c packs what a scraper takes so. */
#include <config.h>

#include "hakctl/output/gzip.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hakctl/output/message.h"

enum {
	WINDOW = 32768,	   /* how far back a repetition may begin */
	SHORTEST = 3,
	LONGEST = 258,
	HASH_BITS = 15,
	TRIES = 16,	   /* places that are compared, of those with the same hash */
	END_OF_BLOCK = 256,
	NEVER = -1,
};

struct packer {
	const unsigned char *text;
	size_t bytes;
	unsigned char *out;
	size_t used, room;
	uint32_t bits; /* not written yet, the first of them lowest */
	unsigned bit_count;
	int32_t head[1 << HASH_BITS]; /* the last place with a hash */
	int32_t *previous;	      /* the one before it, by place in the window */
};

static void put_byte(struct packer *packer, unsigned char byte)
{
	if (packer->used == packer->room) {
		packer->room = packer->room ? 2 * packer->room : 4096;
		packer->out = realloc(packer->out, packer->room);
		if (!packer->out)
			message_out_of_memory();
	}
	packer->out[packer->used++] = byte;
}

static void put_bits(struct packer *packer, uint32_t value, unsigned count)
{
	packer->bits |= value << packer->bit_count;
	packer->bit_count += count;
	while (packer->bit_count >= 8) {
		put_byte(packer, (unsigned char)packer->bits);
		packer->bits >>= 8;
		packer->bit_count -= 8;
	}
}

/* Codes, unlike numbers, begin with their highest bit. */
static void put_code(struct packer *packer, uint32_t code, unsigned count)
{
	uint32_t turned = 0;

	for (unsigned i = 0; i < count; i++)
		turned |= (code >> i & 1) << (count - 1 - i);
	put_bits(packer, turned, count);
}

/* RFC 1951, 3.2.6. */
static void put_symbol(struct packer *packer, unsigned symbol)
{
	if (symbol < 144)
		put_code(packer, 0x30 + symbol, 8);
	else if (symbol < 256)
		put_code(packer, 0x190 + symbol - 144, 9);
	else if (symbol < 280)
		put_code(packer, symbol - 256, 7);
	else
		put_code(packer, 0xc0 + symbol - 280, 8);
}

/* 3.2.5: lengths of 3 to 10 have a symbol each, then four share each number of extra bits. */
static void put_length(struct packer *packer, unsigned length)
{
	unsigned above = length - SHORTEST, extra = 0, group;

	if (length == LONGEST) {
		put_symbol(packer, 285);
		return;
	}
	while (above >> extra >= 8)
		extra++;
	group = extra ? 4 * extra + (above >> extra) : above;
	put_symbol(packer, 257 + group);
	put_bits(packer, above & ((1u << extra) - 1), extra);
}

/* The same with two, from a distance of 1 on. */
static void put_distance(struct packer *packer, unsigned distance)
{
	unsigned above = distance - 1, extra = 0, group;

	while (above >> extra >= 4)
		extra++;
	group = extra ? 2 * extra + (above >> extra) : above;
	put_code(packer, group, 5);
	put_bits(packer, above & ((1u << extra) - 1), extra);
}

static unsigned hash_at(const struct packer *packer, size_t at)
{
	uint32_t three = packer->text[at] | (uint32_t)packer->text[at + 1] << 8 |
			 (uint32_t)packer->text[at + 2] << 16;

	return three * 2654435761u >> (32 - HASH_BITS);
}

static void remember(struct packer *packer, size_t at)
{
	unsigned hash;

	if (at + SHORTEST > packer->bytes)
		return;
	hash = hash_at(packer, at);
	packer->previous[at % WINDOW] = packer->head[hash];
	packer->head[hash] = (int32_t)at;
}

static unsigned common_length(const struct packer *packer, size_t at, size_t earlier)
{
	unsigned length = 0;

	while (length < LONGEST && at + length < packer->bytes &&
	       packer->text[at + length] == packer->text[earlier + length])
		length++;
	return length;
}

/* The longest repetition of what stands here; below SHORTEST: none. */
static unsigned find(const struct packer *packer, size_t at, unsigned *distance)
{
	unsigned best = 0;
	int32_t place;

	if (at + SHORTEST > packer->bytes)
		return 0;
	place = packer->head[hash_at(packer, at)];
	for (int i = 0; i < TRIES && place != NEVER && at - (size_t)place <= WINDOW; i++) {
		unsigned length = common_length(packer, at, (size_t)place);
		int32_t before = packer->previous[place % WINDOW];

		if (length > best)
			best = length, *distance = (unsigned)(at - (size_t)place);
		/* Its place in the window may be another's by now. */
		place = before < place ? before : NEVER;
	}
	return best;
}

static void pack_text(struct packer *packer)
{
	size_t at = 0;

	while (at < packer->bytes) {
		unsigned distance = 0, length = find(packer, at, &distance);

		if (length < SHORTEST) {
			put_symbol(packer, packer->text[at]);
			length = 1;
		} else {
			put_length(packer, length);
			put_distance(packer, distance);
		}
		while (length--)
			remember(packer, at++);
	}
	put_symbol(packer, END_OF_BLOCK);
}

/* RFC 1952, 8. */
static uint32_t checksum(const unsigned char *text, size_t bytes)
{
	uint32_t sum = UINT32_MAX;

	for (size_t i = 0; i < bytes; i++) {
		sum ^= text[i];
		for (int bit = 0; bit < 8; bit++)
			sum = sum >> 1 ^ (sum & 1 ? 0xedb88320 : 0);
	}
	return ~sum;
}

static void put_number(struct packer *packer, uint32_t number)
{
	for (int i = 0; i < 4; i++)
		put_byte(packer, (unsigned char)(number >> 8 * i));
}

char *gzip_pack(const char *text, size_t bytes, size_t *packed_bytes)
{
	/* Deflated, no flags, no time, no extra flags, no system. */
	static const unsigned char head[] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255 };
	struct packer *packer = calloc(1, sizeof(*packer));
	int32_t *previous = calloc(WINDOW, sizeof(*previous));
	char *out;

	if (!packer || !previous)
		message_out_of_memory();
	packer->text = (const unsigned char *)text;
	packer->bytes = bytes;
	packer->previous = previous;
	memset(packer->head, 0xff, sizeof(packer->head));
	for (size_t i = 0; i < sizeof(head); i++)
		put_byte(packer, head[i]);
	put_bits(packer, 1, 1); /* the last block */
	put_bits(packer, 1, 2); /* with the fixed codes */
	pack_text(packer);
	put_bits(packer, 0, 7); /* to the end of a byte */
	put_number(packer, checksum(packer->text, bytes));
	put_number(packer, (uint32_t)bytes);
	*packed_bytes = packer->used;
	out = (char *)packer->out;
	free(previous);
	free(packer);
	return out;
}

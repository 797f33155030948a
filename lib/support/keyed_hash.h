/* SPDX-License-Identifier: MIT */
/*
 * keyed_hash.h - a number that nobody can foretell who does not have the key, whatever other
 * numbers he has seen: SipHash (Aumasson and Bernstein, INDOCRYPT 2012) of one word.
 */
#ifndef HAKMEM_SUPPORT_KEYED_HASH_H
#define HAKMEM_SUPPORT_KEYED_HASH_H

#include <stdint.h>

struct keyed_hash_key {
	uint64_t words[2];
};

struct keyed_hash_state {
	uint64_t a, b, c, d;
};

static inline uint64_t keyed_hash_rotate(uint64_t value, unsigned bits)
{
	return value << bits | value >> (64 - bits);
}

static inline void keyed_hash_mix(struct keyed_hash_state *state, unsigned rounds)
{
	while (rounds--) {
		state->a += state->b;
		state->c += state->d;
		state->b = keyed_hash_rotate(state->b, 13) ^ state->a;
		state->d = keyed_hash_rotate(state->d, 16) ^ state->c;
		state->a = keyed_hash_rotate(state->a, 32);
		state->c += state->b;
		state->a += state->d;
		state->b = keyed_hash_rotate(state->b, 17) ^ state->c;
		state->d = keyed_hash_rotate(state->d, 21) ^ state->a;
		state->c = keyed_hash_rotate(state->c, 32);
	}
}

/* SipHash-c-d: c rounds for each word, d at the end. */
static inline uint64_t keyed_hash_by(const struct keyed_hash_key *key, uint64_t value,
				     unsigned word_rounds, unsigned last_rounds)
{
	const uint64_t length = (uint64_t)sizeof(value) << 56;
	struct keyed_hash_state state = {
		key->words[0] ^ 0x736f6d6570736575u, key->words[1] ^ 0x646f72616e646f6du,
		key->words[0] ^ 0x6c7967656e657261u, key->words[1] ^ 0x7465646279746573u,
	};

	state.d ^= value;
	keyed_hash_mix(&state, word_rounds);
	state.a ^= value;
	state.d ^= length;
	keyed_hash_mix(&state, word_rounds);
	state.a ^= length;
	state.c ^= 0xff;
	keyed_hash_mix(&state, last_rounds);
	return state.a ^ state.b ^ state.c ^ state.d;
}

/* Whoever attacks sees no more than a few thousands of them: the quick variant is enough. */
static inline uint64_t keyed_hash(const struct keyed_hash_key *key, uint64_t value)
{
	return keyed_hash_by(key, value, 1, 3);
}

#endif

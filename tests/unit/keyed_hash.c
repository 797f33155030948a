/* SPDX-License-Identifier: MIT */
/*
 * keyed_hash.c - is it SipHash, by the vector that its authors published, and does each bit of
 * key and value change half of the result, in the quick variant too?
 */
#include <config.h>

#include "support/keyed_hash.h"

#include "tests/unit/unit.h"

START_TEST(eight_bytes_give_the_published_number)
{
	const struct keyed_hash_key key = { { 0x0706050403020100u, 0x0f0e0d0c0b0a0908u } };

	ck_assert_uint_eq(keyed_hash_by(&key, 0x0706050403020100u, 2, 4), 0x93f5f5799a932462u);
}
END_TEST

/* _i: a bit of the value, then of the key. */
START_TEST(each_bit_changes_half_of_the_result)
{
	uint64_t changed = 0, value;

	for (value = 0; value < 1000; value++) {
		struct keyed_hash_key key = { { 1, 2 } }, other = key;
		uint64_t bit = (uint64_t)1 << _i % 64;

		if (_i >= 64)
			other.words[_i / 64 - 1] ^= bit;
		changed += (uint64_t)__builtin_popcountll(
			keyed_hash(&key, value * 16) ^
			keyed_hash(&other, _i < 64 ? (value * 16) ^ bit : value * 16));
	}
	ck_assert_uint_ge(changed, 31000);
	ck_assert_uint_le(changed, 33000);
}
END_TEST

int main(void)
{
	TCase *tcase = unit_begin("keyed_hash");

	tcase_add_test(tcase, eight_bytes_give_the_published_number);
	tcase_add_loop_test(tcase, each_bit_changes_half_of_the_result, 0, 192);
	return unit_end();
}

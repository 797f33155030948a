/* SPDX-License-Identifier: MIT */
/*
 * canary.c - see canary.h.
 */
#include <config.h>

#include "front/canary.h"

#include <string.h>
#include <sys/auxv.h>

struct canary_keys canary_keys;

static struct keyed_hash_key derive_key(const struct keyed_hash_key *root, uint64_t number)
{
	return (struct keyed_hash_key){ { keyed_hash_by(root, 2 * number, 2, 4),
					  keyed_hash_by(root, 2 * number + 1, 2, 4) } };
}

/*
 * The kernel gives every process 16 random bytes: no system call that a filter could refuse. The
 * C library takes its own guards from them, so who knows one of those knows half of the root.
 */
void canary_init(void)
{
	const void *random = (const void *)getauxval(AT_RANDOM);	/* at any address */
	struct keyed_hash_key root = { { (uintptr_t)&root, (uintptr_t)&canary_keys } };

	if (random)
		memcpy(root.words, random, sizeof(root.words));
	canary_keys.block = derive_key(&root, 1);
	canary_keys.place = derive_key(&root, 2);
}

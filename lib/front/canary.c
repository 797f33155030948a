/* SPDX-License-Identifier: MIT */
/*
 * canary.c - see canary.h.
 */
#include <config.h>

#include "front/canary.h"

#include <string.h>
#include <sys/auxv.h>

struct canary_keys canary_keys;

/* The kernel gives every process 16 random bytes: no system call that a filter could refuse. */
uint64_t canary_init(void)
{
	const void *random = (const void *)getauxval(AT_RANDOM);	/* at any address */
	uint64_t words[2] = { (uintptr_t)words, 0 }, seed;

	if (random)
		memcpy(words, random, sizeof(words));
	seed = words[0] ^ canary_mix(words[1]);
	canary_keys.live = canary_mix(seed + 0x9e3779b97f4a7c15u);
	canary_keys.freed = canary_mix(seed + 2 * 0x9e3779b97f4a7c15u);
	return canary_mix(seed + 3 * 0x9e3779b97f4a7c15u);
}

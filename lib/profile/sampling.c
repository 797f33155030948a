/* SPDX-License-Identifier: MIT */
/*
 * sampling.c - see sampling.h.
 */
#include <config.h>

#include "profile/sampling.h"

#include "profile/profile.h"
#include "support/compiler.h"

#define SHIFT_MOST	12
#define CHANCE_LARGE	0.0625	/* from there on each allocation is judged by itself */
/* a sample is followed by so many times its own length at least … */
#define REST_SHARE	200
#define REST_LONG	800	/* … and where it is by so many, one may come sooner */
#define LEFT_MOST	1000000000u

/* Xorshift (Marsaglia, 2003), multiplied (Vigna, 2016). */
static uint64_t next_random(struct sampling *sampling)
{
	uint64_t random = sampling->random;

	random ^= random >> 12;
	random ^= random << 25;
	random ^= random >> 27;
	sampling->random = random;
	return random * 0x2545f4914f6cdd1dull;
}

/* In (0, 1]. */
static double next_fraction(struct sampling *sampling)
{
	return (double)((next_random(sampling) >> 11) + 1) * 0x1p-53;
}

/*
 * -ln(x), of x in (0, 1]: by ln((1 + z) / (1 - z)) = 2 (z + z^3/3 + …), as the library may call no
 * libm.
 */
static double minus_log(double x)
{
	union { double number; uint64_t bits; } of = { x };
	int exponent = (int)(of.bits >> 52) - 1023;
	double z, square;

	of.bits = (of.bits & 0xfffffffffffffull) | 0x3ff0000000000000ull;
	if (of.number > 1.4142135623730951) {
		of.number /= 2;
		exponent++;
	}
	z = (of.number - 1) / (of.number + 1);
	square = z * z;
	return -(exponent * 0.6931471805599453 +
		 2 * z *
			 (1 +
			  square * (1. / 3 + square * (1. / 5 + square * (1. / 7 + square / 9)))));
}

static double interval(uint8_t shift)
{
	size_t bytes = atomic_load_explicit(&profile_state.interval_bytes, memory_order_relaxed);

	return (double)(bytes ? bytes : PROFILE_INTERVAL) * (double)(1u << shift);
}

/* How many fail before one succeeds: geometric. */
static uint32_t draw(struct sampling *sampling, double chance)
{
	uint32_t failures = 0;
	double many;

	if (chance >= 1)
		return 0;
	if (chance >= CHANCE_LARGE) {
		while (next_fraction(sampling) > chance)
			failures++;
		return failures;
	}
	many = minus_log(next_fraction(sampling)) /
	       (chance * (1 + chance * (0.5 + chance * (1. / 3 + chance * (0.25 + chance / 5)))));
	return many < LEFT_MOST ? (uint32_t)many : LEFT_MOST;
}

static void draw_class(struct sampling *sampling, unsigned class)
{
	sampling->drawn_shift[class] = sampling->shift;
	sampling->left[class] =
		draw(sampling, size_class_table[class].size / interval(sampling->shift));
}

void sampling_begin(struct sampling *sampling, uint32_t generation)
{
	unsigned class;

	if (!sampling->random)
		sampling->random = ((uintptr_t)sampling >> 4 | 1) * 0x9e3779b97f4a7c15ull;
	sampling->generation = generation;
	sampling->shift = 0;
	for (class = 0; class < CLASS_COUNT; class++)
		draw_class(sampling, class);
}

void sampling_ask_again(struct sampling *sampling)
{
	unsigned class;

	for (class = 0; class < CLASS_COUNT; class++)
		if (sampling->left[class] > LEFT_MOST)
			sampling->left[class] = 0;
}

static uint64_t stands_for(size_t bytes, uint8_t shift)
{
	double objects = interval(shift) / (double)bytes;

	return objects > 1 ? (uint64_t)(objects * SAMPLING_UNIT + 0.5) : SAMPLING_UNIT;
}

uint64_t sampling_next(struct sampling *sampling, unsigned class)
{
	uint64_t objects = stands_for(size_class_table[class].size, sampling->drawn_shift[class]);

	draw_class(sampling, class);
	return objects;
}

uint64_t sampling_judge(struct sampling *sampling, size_t bytes)
{
	if (next_fraction(sampling) * interval(sampling->shift) > (double)bytes)
		return 0;
	return stands_for(bytes, sampling->shift);
}

/* The interval depends on what was, never on what is drawn: so it biases nothing. */
void sampling_note_cost(struct sampling *sampling, uint64_t begun_ns, uint64_t ended_ns)
{
	uint64_t cost_ns = ended_ns - begun_ns, rest_ns = begun_ns - sampling->ended_ns;

	/* Off the processor meanwhile, it cost no more than usual. */
	if (sampling->cost_ns && cost_ns > 8 * (uint64_t)sampling->cost_ns)
		cost_ns = 8 * (uint64_t)sampling->cost_ns;
	sampling->cost_ns = (uint32_t)((7ull * sampling->cost_ns + cost_ns) / 8) + 1;
	if (!sampling->ended_ns)
		rest_ns = UINT64_MAX;
	sampling->ended_ns = ended_ns;
	if (atomic_load_explicit(&profile_state.is_exact, memory_order_relaxed))
		sampling->shift = 0;
	else if (rest_ns / REST_SHARE < sampling->cost_ns && sampling->shift < SHIFT_MOST)
		sampling->shift++;
	else if (rest_ns / REST_LONG > sampling->cost_ns && sampling->shift > 0)
		sampling->shift--;
}

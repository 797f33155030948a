/* SPDX-License-Identifier: MIT */
/*
 * A heap whose users are known. Reads a letter at a time, does what it says, and answers with a
 * line "allocated live" of bytes for each of its twenty stacks, plant_0 … plant_19, or with "done":
 *
 *   p  each stack allocates some more, of which a third is freed
 *   f  all of it is freed
 *   i  pin_few and fill_much allocate by turns, then all of fill_much's goes
 *   u  all of pin_few's goes
 *   g  grow_ever allocates a mebibyte in small blocks
 *   c  for a while, by four threads: allocate and free
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STACKS	20
#define BYTES	(8u << 20)
#define MOST	2000000u
#define PINS	40000u
#define FILLS	24u

static void *blocks[MOST], *pins[PINS], *fills[PINS * FILLS];
static size_t count, allocated[STACKS], live[STACKS];

#define PLANT(number)                                                                              \
	__attribute__((noinline)) static void *plant_##number(size_t bytes)                        \
	{                                                                                          \
		void *block = malloc(bytes);                                                       \
		__asm__ volatile("# " #number : "+r"(block)); /* no two are one */                 \
		return block;                                                                      \
	}
PLANT(0)
PLANT(1) PLANT(2) PLANT(3) PLANT(4) PLANT(5) PLANT(6) PLANT(7) PLANT(8) PLANT(9) PLANT(10) PLANT(11)
	PLANT(12) PLANT(13) PLANT(14) PLANT(15) PLANT(16) PLANT(17) PLANT(18) PLANT(19)
#define NAMED(name)                                                                                \
	__attribute__((noinline)) static void *name(size_t bytes)                                  \
	{                                                                                          \
		void *block = malloc(bytes);                                                       \
		__asm__ volatile("# " #name : "+r"(block)); /* no two are one */                  \
		return block;                                                                      \
	}
		NAMED(pin_few) NAMED(fill_much) NAMED(grow_ever)

			static void *(*const plants[STACKS])(size_t) = {
				plant_0,  plant_1,  plant_2,  plant_3,	plant_4,
				plant_5,  plant_6,  plant_7,  plant_8,	plant_9,
				plant_10, plant_11, plant_12, plant_13, plant_14,
				plant_15, plant_16, plant_17, plant_18, plant_19,
			};
static const size_t sizes[STACKS] = { 100,   200,   333,   512,	 700,	 1000,	 1500,
				      2000,  3000,  4096,  5000, 7000,	 9000,	 150,
				      20000, 40000, 70000, 250,	 400000, 2000000 };

static void plant_all(void)
{
	for (unsigned stack = 0; stack < STACKS; stack++)
		for (size_t left = BYTES / sizes[stack] + 1; left > 0; left--) {
			void *block = plants[stack](sizes[stack]);

			allocated[stack] += sizes[stack];
			if (left % 3 == 0) {
				free(block);
				continue;
			}
			blocks[count++] = block;
			live[stack] += sizes[stack];
		}
	for (unsigned stack = 0; stack < STACKS; stack++)
		dprintf(STDOUT_FILENO, "%zu %zu\n", allocated[stack], live[stack]);
}

static void interleave(void)
{
	size_t filled = 0;

	for (size_t i = 0; i < PINS; i++) {
		pins[i] = pin_few(400);
		memset(pins[i], 1, 400);
		for (unsigned k = 0; k < FILLS; k++) {
			fills[filled] = fill_much(400);
			memset(fills[filled++], 1, 400);
		}
	}
	while (filled > 0)
		free(fills[--filled]);
}

static void *churn(void *argument)
{
	for (unsigned i = 0; i < 3000000; i++) {
		char *block = malloc(i % 700);

		if (block && i % 700)
			block[0] = 1;
		free(block);
	}
	return argument;
}

static void churn_by_four(void)
{
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, churn, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
}

int main(void)
{
	char letter;

	free(plant_0(1));	/* the helper comes with the first allocation */
	while (read(STDIN_FILENO, &letter, 1) > 0) {
		if (letter == 'p') {
			plant_all();
			continue;
		}
		if (letter == 'f')
			while (count > 0)
				free(blocks[--count]);
		if (letter == 'i')
			interleave();
		for (size_t i = 0; letter == 'u' && i < PINS; i++)
			free(pins[i]);
		for (size_t i = 0; letter == 'g' && i < 2048; i++)
			blocks[count++] = grow_ever(512);
		if (letter == 'c')
			churn_by_four();
		dprintf(STDOUT_FILENO, "done\n");
	}
	return 0;
}

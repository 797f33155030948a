/* SPDX-License-Identifier: MIT */
/*
 * replay [FILE...] - a fuzzer without libFuzzer: the seeds of its folder, or the files named,
 * then inputs made at random. FUZZ_SEED repeats those; FUZZ_INPUTS says how many (400).
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

enum { INPUT_BYTES = 1 << 16, LINES = 300, INPUTS = 400 };

bool fuzz_is_replay = true;
static uint64_t state;
static char input[INPUT_BYTES];

static uint64_t random_next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static void replay_file(const char *path)
{
	FILE *file = fopen(path, "r");
	size_t length;

	if (!file) {
		printf("%s: %s\n", path, strerror(errno));
		exit(1);
	}
	length = fread(input, 1, sizeof(input), file);
	fclose(file);
	printf("%s\n", path);
	fflush(stdout);
	LLVMFuzzerTestOneInput((const uint8_t *)input, length);
}

static unsigned replay_folder(const char *folder)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, NULL, alphasort), i;
	unsigned replayed = 0;
	char path[8192];

	for (i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		if (entries[i]->d_name[0] != '.') {
			replay_file(path);
			replayed++;
		}
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	return replayed;
}

static size_t any_text(void)
{
	size_t i, length = random_next() % 400;

	for (i = 0; i < length; i++)
		input[i] = (char)(random_next() % 96 + ' ');
	return length;
}

/* Sizes: as often small as large, and close to powers of two. */
static unsigned long random_number(void)
{
	unsigned long power = 1ul << random_next() % 24;

	return random_next() % 4 ? random_next() % (power + 1) : power + random_next() % 3 - 1;
}

static size_t random_lines(void)
{
	size_t letters = strlen(fuzz_letters), length = 0, lines = random_next() % LINES, i;

	if (!letters)
		return any_text();
	for (i = 0; i < lines && length < INPUT_BYTES - 100; i++)
		length += (size_t)snprintf(input + length, 100, "%c %u %lu %lu\n",
					   fuzz_letters[random_next() % letters],
					   (unsigned)(random_next() % 64),
					   random_next() % 2 ? random_number() :
							       random_next() % 22,
					   random_number());
	return length;
}

int main(int argc, char **argv)
{
	const char *source = getenv("top_srcdir"), *seed = getenv("FUZZ_SEED");
	const char *name = strrchr(argv[0], '/'), *inputs = getenv("FUZZ_INPUTS");
	int i, count = inputs ? atoi(inputs) : INPUTS;
	char folder[4096];

	for (i = 1; i < argc; i++)
		replay_file(argv[i]);
	if (argc > 1)
		return 0;
	snprintf(folder, sizeof(folder), "%s/tests/fuzz/seeds/%s", source ? source : ".",
		 name ? name + 1 : argv[0]);
	if (!replay_folder(folder)) {
		printf("no seeds in %s\n", folder);
		return 1;
	}
	state = seed ? strtoull(seed, NULL, 0) : ((uint64_t)time(NULL) << 20 | (uint64_t)getpid());
	printf("FUZZ_SEED=%llu\n", (unsigned long long)state);
	fflush(stdout);
	for (i = 0; i < count; i++)
		LLVMFuzzerTestOneInput((const uint8_t *)input, random_lines());
	printf("# operations %lu\n", fuzz_operations);
	return 0;
}

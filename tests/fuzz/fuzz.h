/* SPDX-License-Identifier: MIT */
/*
 * fuzz.h - what a fuzzer has to define, and what it may use. libFuzzer drives it with inputs
 * of its own (`make fuzz`); replay.c with the seeds and some random lines (`make check`).
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* First letters of lines that make sense, as often as they should come; "": any text. */
extern const char fuzz_letters[];

extern unsigned long fuzz_operations;	/* counted by the fuzzer */
extern bool fuzz_is_replay;

__attribute__((noreturn)) void fuzz_fail(const char *file, int line, const char *condition);

#define FUZZ_CHECK(condition)                                           \
	do {                                                            \
		if (!(condition))                                       \
			fuzz_fail(__FILE__, __LINE__, #condition);      \
	} while (0)

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A contract program is a table of cases. Without arguments it runs each of them in a
 * process of its own, with $HAKMEM_LIB preloaded; with the name of a case it is that
 * process. Every program of tests/contract and tests/misuse ends in contract_main.
 */
#ifndef TESTS_CONTRACT_CASE_H
#define TESTS_CONTRACT_CASE_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	CONTRACT_LIMIT_S = 60,
	CONTRACT_SKIPPED = 77,
	CONTRACT_BROKEN = 99,
};

enum contract_kind {
	PRELOADED,	/* an ordinary case */
	PLAIN,		/* a case whose process has nothing preloaded */
	PART,		/* not a case: what another case starts by name */
};

struct contract_case {
	const char *name;
	void (*run)(void);
	enum contract_kind kind;
	const char *options;	/* HAKMEM_OPTIONS of its process, or NULL */
};

#define CASE(function) { #function, function, PRELOADED, NULL }
#define CASE_PLAIN(function) { #function, function, PLAIN, NULL }
#define CASE_PART(function) { #function, function, PART, NULL }
#define CASE_WITH(function, options) { #function, function, PRELOADED, options }

int contract_main(int argc, char **argv, const struct contract_case *cases, size_t count);

#define CONTRACT_MAIN(cases)                                                             \
	int main(int argc, char **argv)                                                  \
	{                                                                                \
		return contract_main(argc, argv, cases, sizeof(cases) / sizeof(*cases)); \
	}

/* The third word of the command line, or NULL: what a PART is told by its starter. */
const char *contract_argument(void);
const char *contract_library(void);
/* Another than that of the environment, by its path in the build tree; first of all. */
void contract_use_library(const char *path);
/* The absolute path of this program. */
const char *contract_program(void);
bool contract_is_of_library(const void *address);
/* Puts the address of one of the library's functions at the place, or fails the case. */
void contract_look_up(void *place, const char *name);

/*
 * From here on this process, and each that it forks, says where it hung when an alarm ends it.
 * Allocates.
 */
void contract_trace_hangs(void);

__attribute__((noreturn, format(printf, 3, 4)))
void contract_fail(const char *file, int line, const char *format, ...);
__attribute__((noreturn, format(printf, 1, 2)))
void contract_skip(const char *format, ...);

#define CHECK(condition)                                                                 \
	do {                                                                             \
		if (!(condition))                                                        \
			contract_fail(__FILE__, __LINE__, "not so: %s", #condition);     \
	} while (0)

#define CHECK_THAT(condition, ...)                                                       \
	do {                                                                             \
		if (!(condition))                                                        \
			contract_fail(__FILE__, __LINE__, __VA_ARGS__);                  \
	} while (0)

#ifdef __cplusplus
}
#endif

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The heap before main: in an IFUNC resolver of the program, in preinit_array, in
 * constructors. The blocks taken there must be blocks like all others afterwards.
 */
#include <fcntl.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"

enum { EARLY = 40 };

/* What one early place took; it also freed as much. */
struct early {
	char *blocks[EARLY];
	char *large;
	size_t held;
};

static struct early of_resolver, of_preinit, of_constructor, of_late_constructor;

static const size_t sizes[] = { 1, 16, 100, 600, 1020, 2000, 5000, 8191, 20000, 300000 };

static size_t early_size(size_t i)
{
	return sizes[i % (sizeof(sizes) / sizeof(*sizes))];
}

enum { LARGE = 3 << 20 };

/* Runs before this program is relocated to the end: calls malloc and its like only. */
static void early_use(struct early *early)
{
	for (size_t i = 0; i < EARLY; i++) {
		char *passing = malloc(early_size(i)), *block = calloc(1, early_size(i));

		if (!passing || !block)
			return;
		pattern_write(passing, early_size(i), i);
		block = realloc(block, early_size(i) + 10);
		free(passing);
		if (!block || !all_zero(block, early_size(i)))
			return;
		pattern_write(block, early_size(i), i);
		early->blocks[i] = block;
		early->held = i + 1;
	}
	early->large = malloc(LARGE);
	if (early->large)
		pattern_write(early->large, LARGE, 77);
}

static void check_early(struct early *early)
{
	CHECK_THAT(early->held == EARLY, "only %zu blocks were taken", early->held);
	for (size_t i = 0; i < EARLY; i++) {
		CHECK(malloc_usable_size(early->blocks[i]) >= early_size(i));
		CHECK(pattern_holds(early->blocks[i], early_size(i), i));
		early->blocks[i] = realloc(early->blocks[i], early_size(i) * 2);
		CHECK(early->blocks[i]);
		CHECK(pattern_holds(early->blocks[i], early_size(i), i));
		free(early->blocks[i]);
	}
	CHECK(early->large && pattern_holds(early->large, LARGE, 77));
	free(early->large);
}

static int resolved_function(void)
{
	return 42;
}

/*
 * Without the library it would be glibc's malloc that is called, which since 2.43 does not live so
 * early. The environment is not there yet either; as the kernel shows it, it may be in two parts.
 */
static bool is_preloaded(void)
{
	static const char wanted[] = "LD_PRELOAD=";
	long file = syscall(SYS_openat, AT_FDCWD, "/proc/self/environ", O_RDONLY);
	size_t found = 0;
	char text[512];
	long length;

	while (file >= 0 && (length = syscall(SYS_read, file, text, sizeof(text))) > 0)
		for (long i = 0; i < length && found < sizeof(wanted) - 1; i++)
			found = text[i] == wanted[found] ? found + 1 : text[i] == wanted[0];
	syscall(SYS_close, file);
	return found == sizeof(wanted) - 1;
}

/* used: named only in the attribute of the function below */
__attribute__((used)) static int (*resolve(void))(void)
{
	if (is_preloaded())
		early_use(&of_resolver);
	return resolved_function;
}

static int function_of_resolver(void) __attribute__((ifunc("resolve")));

static void in_preinit(int argc, char **argv, char **environment)
{
	(void)argc;
	(void)argv;
	(void)environment;
	early_use(&of_preinit);
}

__attribute__((section(".preinit_array"), used))
static void (*const preinit)(int, char **, char **) = in_preinit;

__attribute__((constructor(101)))
static void first_constructor(void)
{
	early_use(&of_constructor);
}

__attribute__((constructor))
static void last_constructor(void)
{
	early_use(&of_late_constructor);
}

static void an_ifunc_resolver_may_use_the_heap(void)
{
	CHECK(function_of_resolver() == 42);
	check_early(&of_resolver);
}

static void preinit_functions_may_use_the_heap(void)
{
	check_early(&of_preinit);
}

static void constructors_may_use_the_heap(void)
{
	check_early(&of_constructor);
	check_early(&of_late_constructor);
}

static const struct contract_case cases[] = {
	CASE(an_ifunc_resolver_may_use_the_heap),
	CASE(preinit_functions_may_use_the_heap),
	CASE(constructors_may_use_the_heap),
};

CONTRACT_MAIN(cases)

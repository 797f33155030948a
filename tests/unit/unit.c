/* SPDX-License-Identifier: MIT */
/*
 * unit.c - see unit.h.
 */
#include <config.h>

#include "tests/unit/unit.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SECONDS_PER_TEST 120
#define PAGE		 4096

static Suite *suite;

TCase *unit_begin(const char *name)
{
	TCase *tcase = tcase_create(name);

	/* Many tests abort in a child: they leave no core files. */
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	suite = suite_create(name);
	tcase_set_timeout(tcase, SECONDS_PER_TEST);
	suite_add_tcase(suite, tcase);
	return tcase;
}

TCase *unit_begin_between(const char *name)
{
#ifdef HAKMEM_LTO
	printf("# skipped: %s: link-time optimization leaves no calls to wrap\n", name);
	exit(77);
#else
	return unit_begin(name);
#endif
}

int unit_end(void)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

bool unit_skip_if(bool is_impossible, const char *why)
{
	if (is_impossible)
		printf("# skipped: %s\n", why);
	fflush(stdout);
	return is_impossible;
}

static int saved_stderr = -1, caught = -1;
static char caught_text[UNIT_TEXT_BYTES];

static void read_text(int file, char text[UNIT_TEXT_BYTES])
{
	ssize_t length = pread(file, text, UNIT_TEXT_BYTES - 1, 0);

	ck_assert_int_ge(length, 0);
	text[length] = '\0';
}

void unit_catch_begin(void)
{
	caught = memfd_create("stderr", MFD_CLOEXEC);
	saved_stderr = dup(STDERR_FILENO);
	ck_assert(caught >= 0 && saved_stderr >= 0 && dup2(caught, STDERR_FILENO) >= 0);
}

const char *unit_catch_end(void)
{
	ck_assert_int_ge(dup2(saved_stderr, STDERR_FILENO), 0);
	read_text(caught, caught_text);
	close(saved_stderr);
	close(caught);
	return caught_text;
}

int unit_child(void (*act)(void *argument), void *argument, char text[UNIT_TEXT_BYTES])
{
	int file = memfd_create("stderr of a child", MFD_CLOEXEC), status;
	pid_t child;

	ck_assert_int_ge(file, 0);
	fflush(NULL);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		dup2(file, STDERR_FILENO);
		act(argument);
		_exit(EXIT_SUCCESS);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	read_text(file, text);
	close(file);
	return status;
}

void unit_expect_abort(void (*act)(void *argument), void *argument, const char *format,
		       ...)
{
	char text[UNIT_TEXT_BYTES], message[UNIT_TEXT_BYTES],
		expected[UNIT_TEXT_BYTES + 16];
	va_list arguments;
	int status;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	snprintf(expected, sizeof(expected), "hakmem: %s\n", message);
	status = unit_child(act, argument, text);
	ck_assert_str_eq(text, expected);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGABRT);
}

struct start {
	void (*act)(unsigned number);
	pthread_barrier_t *barrier;
	unsigned number;
};

static void *run_thread(void *argument)
{
	const struct start *start = argument;

	pthread_barrier_wait(start->barrier);
	start->act(start->number);
	return NULL;
}

void unit_threads(unsigned count, void (*act)(unsigned number))
{
	pthread_t threads[UNIT_THREADS_MAX];
	struct start starts[UNIT_THREADS_MAX];
	pthread_barrier_t barrier;
	unsigned i;

	ck_assert_uint_le(count, UNIT_THREADS_MAX);
	pthread_barrier_init(&barrier, NULL, count);
	for (i = 0; i < count; i++) {
		starts[i] = (struct start){ act, &barrier, i };
		ck_assert_int_eq(
			pthread_create(&threads[i], NULL, run_thread, &starts[i]), 0);
	}
	for (i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&barrier);
}

struct unit_random unit_random_begin(void)
{
	const char *wish = getenv("UNIT_SEED");
	struct timespec now;
	uint64_t seed;

	clock_gettime(CLOCK_MONOTONIC, &now);
	seed = wish ? strtoull(wish, NULL, 0) :
		      (uint64_t)now.tv_nsec ^ (uint64_t)now.tv_sec << 30;
	fprintf(stderr, "UNIT_SEED=%llu\n", (unsigned long long)seed);
	return (struct unit_random){ seed };
}

struct unit_random unit_random_of_thread(struct unit_random random, unsigned number)
{
	return (struct unit_random){ random.state + ((uint64_t)(number + 1) << 48) };
}

/* SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): any seed will do. */
uint64_t unit_random_next(struct unit_random *random)
{
	uint64_t z = random->state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

size_t unit_random_between(struct unit_random *random, size_t from, size_t to)
{
	return from + unit_random_next(random) % (to - from + 1);
}

void unit_shuffle(struct unit_random *random, void **array, size_t count)
{
	while (count > 1) {
		size_t other = unit_random_between(random, 0, --count);
		void *moved = array[other];

		array[other] = array[count];
		array[count] = moved;
	}
}

/* Calls are few enough for a switch on the last word instead of two loops. */
static size_t next_mark(size_t offset, size_t bytes)
{
	size_t last = (bytes - sizeof(uint64_t)) & ~(sizeof(uint64_t) - 1);

	if (offset >= last)
		return bytes;
	return offset + PAGE < last ? offset + PAGE : last;
}

void unit_fill(void *block, size_t bytes, uint64_t mark)
{
	size_t offset;

	for (offset = 0; offset < bytes; offset = next_mark(offset, bytes))
		*(uint64_t *)((char *)block + offset) = mark + offset;
}

bool unit_is_filled(const void *block, size_t bytes, uint64_t mark)
{
	size_t offset;

	for (offset = 0; offset < bytes; offset = next_mark(offset, bytes))
		if (*(const uint64_t *)((const char *)block + offset) != mark + offset)
			return false;
	return true;
}

bool unit_is_zero(const void *block, size_t bytes)
{
	const uint64_t *words = block;
	size_t i;

	for (i = 0; i < bytes / sizeof(*words); i++)
		if (words[i])
			return false;
	return true;
}

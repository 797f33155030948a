/* SPDX-License-Identifier: MIT */
/*
 * Fuzzer of operations: a text is a list of calls; beside the heap under test there is a
 * shadow of what it must hold. Checked: contents, alignment, overlap, zeroing, usable sizes,
 * errno, and that everything can be freed.
 *
 *	m SLOT SIZE	malloc		c SLOT COUNT SIZE	calloc
 *	r SLOT SIZE	realloc		a SLOT SHIFT SIZE	aligned_alloc, 2^SHIFT
 *	p SLOT SHIFT SIZE posix_memalign	v SLOT SIZE	valloc
 *	f SLOT		free		t			malloc_trim
 *	x		the other thread from here on; its blocks stay
 *	e		the other thread ends, another takes its place
 *
 * What cannot be read is passed over. A size may have a K or M behind it.
 */
#include <config.h>

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <hakmem/hakmem.h>

#include "entry/reports.h"
#include "support/options.h"
#include "tests/fuzz/fuzz.h"

enum { SLOTS = 64, NUMBERS = 3, WHOLE_BYTES = 1 << 16, LIMIT_MIB = 256 };

struct shadow {
	unsigned char *block;
	size_t size, alignment;
	size_t step;		/* from one marked byte to the next */
	unsigned char mark;
};

struct operation {
	char name;
	size_t numbers[NUMBERS];
};

static struct shadow shadows[SLOTS];
static unsigned char next_mark;

/* What is large is marked at its ends. */
static void each_byte(const struct shadow *shadow, bool write)
{
	size_t i;

	for (i = 0; i < shadow->size; i += shadow->step)
		if (write)
			shadow->block[i] = (unsigned char)(shadow->mark + i);
		else
			FUZZ_CHECK(shadow->block[i] == (unsigned char)(shadow->mark + i));
}

static void check_apart(const struct shadow *one)
{
	size_t i;

	for (i = 0; i < SLOTS; i++) {
		const struct shadow *other = &shadows[i];

		if (other == one || !other->block)
			continue;
		FUZZ_CHECK(one->block + one->size <= other->block ||
			   other->block + other->size <= one->block);
	}
}

static void check_new(struct shadow *shadow)
{
	size_t usable = hak_malloc_usable_size(shadow->block);

	FUZZ_CHECK((uintptr_t)shadow->block % shadow->alignment == 0);
	FUZZ_CHECK(usable >= shadow->size);
	/* what is usable may be used */
	shadow->size = usable > WHOLE_BYTES ? shadow->size : usable;
	shadow->step = shadow->size > WHOLE_BYTES ? 4093 : 1;
	check_apart(shadow);
	shadow->mark = next_mark += 37;
	each_byte(shadow, true);
}

static void drop(struct shadow *shadow)
{
	if (!shadow->block)
		return;
	each_byte(shadow, false);
	errno = 4711;
	hak_free(shadow->block);
	FUZZ_CHECK(errno == 4711);
	shadow->block = NULL;
}

static size_t live_bytes(void)
{
	size_t i, bytes = 0;

	for (i = 0; i < SLOTS; i++)
		if (shadows[i].block)
			bytes += shadows[i].size;
	return bytes;
}

static void enter(struct shadow *shadow, void *block, size_t size, size_t alignment)
{
	if (!block) {
		FUZZ_CHECK(errno == ENOMEM);
		/* not while half of what is allowed is free */
		FUZZ_CHECK(alignment > 1 << 16 || size > LIMIT_MIB << 19 ||
			   live_bytes() + size > LIMIT_MIB << 19);
		return;
	}
	*shadow = (struct shadow){ .block = block, .size = size, .alignment = alignment };
	check_new(shadow);
}

static void check_zero(const unsigned char *block, size_t size)
{
	size_t i, step = size > WHOLE_BYTES ? 4093 : 1;

	for (i = 0; block && i < size; i += step)
		FUZZ_CHECK(block[i] == 0);
}

static void clear(struct shadow *shadow, size_t count, size_t size)
{
	size_t bytes;
	void *block;

	drop(shadow);
	errno = 0;
	block = hak_calloc(count, size);
	if (__builtin_mul_overflow(count, size, &bytes)) {
		FUZZ_CHECK(!block && errno == ENOMEM);
		return;
	}
	check_zero(block, bytes);
	enter(shadow, block, bytes, 16);
}

static void resize(struct shadow *shadow, size_t size)
{
	struct shadow old = *shadow;
	unsigned char *block;

	if (!old.block) {
		enter(shadow, hak_realloc(NULL, size), size, 16);
		return;
	}
	each_byte(shadow, false);
	errno = 0;
	block = hak_realloc(old.block, size);
	if (!block && size) {
		FUZZ_CHECK(errno == ENOMEM);
		each_byte(shadow, false);
		return;
	}
	shadow->block = NULL;
	if (!block)
		return;
	old.block = block;
	if (size < old.size)
		old.size = size;
	each_byte(&old, false);
	enter(shadow, block, size, 16);
}

static void align(struct shadow *shadow, size_t shift, size_t size, bool posix)
{
	size_t alignment = (size_t)1 << shift % 64;
	void *block = NULL;
	int error;

	drop(shadow);
	errno = 0;
	if (!posix) {
		block = hak_aligned_alloc(alignment, size);
	} else {
		error = hak_posix_memalign(&block, alignment, size);
		FUZZ_CHECK(errno == 0);
		if (alignment < sizeof(void *)) {
			FUZZ_CHECK(error == EINVAL && !block);
			return;
		}
		errno = error;
	}
	enter(shadow, block, size, alignment);
}

static void perform(const struct operation *operation)
{
	const size_t *numbers = operation->numbers;
	struct shadow *shadow = &shadows[numbers[0] % SLOTS];

	switch (operation->name) {
	case 'm':
		drop(shadow);
		errno = 0;
		enter(shadow, hak_malloc(numbers[1]), numbers[1], 16);
		break;
	case 'c':
		clear(shadow, numbers[1], numbers[2]);
		break;
	case 'r':
		errno = 0;
		resize(shadow, numbers[1]);
		break;
	case 'a':
	case 'p':
		align(shadow, numbers[1], numbers[2], operation->name == 'p');
		break;
	case 'v':
		drop(shadow);
		errno = 0;
		enter(shadow, hak_valloc(numbers[1]), numbers[1], 4096);
		break;
	case 'f':
		drop(shadow);
		break;
	case 't':
		hak_malloc_trim(0);
		break;
	}
}

/* --- the other thread: it does one operation at a time, when told to --- */

static struct {
	pthread_t thread;
	sem_t go, done;
	const struct operation *operation;	/* NULL: end */
} other;

static void *serve(void *unused)
{
	for (;;) {
		while (sem_wait(&other.go))
			;
		if (!other.operation)
			return unused;
		perform(other.operation);
		sem_post(&other.done);
	}
}

static void perform_elsewhere(const struct operation *operation)
{
	other.operation = operation;
	sem_post(&other.go);
	while (sem_wait(&other.done))
		;
}

static void start_other(void)
{
	FUZZ_CHECK(!pthread_create(&other.thread, NULL, serve, NULL));
}

static void end_other(void)
{
	other.operation = NULL;
	sem_post(&other.go);
	FUZZ_CHECK(!pthread_join(other.thread, NULL));
}

/* --- reading --- */

static size_t read_number(const char **next, const char *end)
{
	size_t number = 0;

	while (*next < end && **next == ' ')
		++*next;
	while (*next < end && **next >= '0' && **next <= '9')
		number = number * 10 + (size_t)(*(*next)++ - '0');
	if (*next < end && (**next == 'K' || **next == 'M'))
		number <<= *(*next)++ == 'K' ? 10 : 20;
	return number;
}

static void read_operation(const char **next, const char *end, struct operation *operation)
{
	unsigned i;

	operation->name = *(*next)++;
	for (i = 0; i < NUMBERS; i++)
		operation->numbers[i] = read_number(next, end);
	while (*next < end && **next != '\n')
		++*next;
	if (*next < end)
		++*next;
}

static void begin(void)
{
	static bool begun;
	static const char limit[] = "limit_hard:256M,helpers:never";

	if (begun)
		return;
	begun = true;
	options_parse(limit, sizeof(limit) - 1);
	sem_init(&other.go, 0, 0);
	sem_init(&other.done, 0, 0);
	start_other();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *next = (const char *)data, *end = next + size;
	bool elsewhere = false;
	size_t i;

	begin();
	while (next < end) {
		struct operation operation;

		read_operation(&next, end, &operation);
		if (operation.name == 'x') {
			elsewhere = !elsewhere;
		} else if (operation.name == 'e') {
			end_other();
			start_other();
		} else if (elsewhere) {
			perform_elsewhere(&operation);
		} else {
			perform(&operation);
		}
		fuzz_operations++;
	}
	for (i = 0; i < SLOTS; i++)
		drop(&shadows[i]);
	return 0;
}

/* For inputs made at random: each line is one of these with numbers put in. */
const char fuzz_letters[] = "mmmmcraapvffftxe";

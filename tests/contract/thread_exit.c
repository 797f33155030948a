/* SPDX-License-Identifier: MIT */
/*
 * The heap in a thread that is on its way out: in the destructors of its keys, round
 * after round, after whatever the allocator itself tears down; cancelled and detached.
 */
#include <malloc.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"

enum { THREADS = 3000, KEYS = 8, ROUNDS = 4, BLOCK = 600 };

static pthread_key_t keys[KEYS];
static atomic_size_t destructor_calls;

static void use_heap(uint64_t tag)
{
	static const size_t sizes[] = { 20, 600, 1020, 5000, 8191, 70000 };
	char *blocks[sizeof(sizes) / sizeof(*sizes)];

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		blocks[i] = malloc(sizes[i]);
		CHECK(blocks[i]);
		pattern_write(blocks[i], sizes[i], tag + i);
	}
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		CHECK(pattern_holds(blocks[i], sizes[i], tag + i));
		blocks[i] = realloc(blocks[i], sizes[i] * 2);
		CHECK(blocks[i] && pattern_holds(blocks[i], sizes[i], tag + i));
		free(blocks[i]);
	}
}

/* The value of a key: counts its destructor's rounds; stands in a block of the heap. */
struct value {
	size_t round;
	size_t key;
	char *other;	/* a block of the main thread */
};

static void destroy_value(void *data)
{
	struct value *value = data, *next;

	atomic_fetch_add(&destructor_calls, 1);
	CHECK(value->key < KEYS && value->round < ROUNDS);
	use_heap(value->round);
	if (value->other)
		CHECK(pattern_holds(value->other, BLOCK, value->key));
	free(value->other);
	if (value->round + 1 < ROUNDS) {
		next = malloc(sizeof(*next));
		CHECK(next);
		*next = (struct value){ value->round + 1, value->key, malloc(BLOCK) };
		CHECK(next->other);
		pattern_write(next->other, BLOCK, value->key);
		CHECK(!pthread_setspecific(keys[value->key], next));
	}
	free(value);
}

struct gift {
	char *blocks[KEYS];
	bool heap_used_before;
};

static void *set_keys(void *data)
{
	struct gift *gift = data;

	if (gift->heap_used_before)
		use_heap(99);
	for (size_t i = 0; i < KEYS; i++) {
		struct value *value = malloc(sizeof(*value));

		CHECK(value);
		*value = (struct value){ 0, i, gift->blocks[i] };
		CHECK(!pthread_setspecific(keys[i], value));
	}
	return NULL;
}

static void run_gift(size_t number)
{
	struct gift gift = { .heap_used_before = number % 2 };
	pthread_t thread;

	for (size_t i = 0; i < KEYS; i++) {
		CHECK((gift.blocks[i] = malloc(BLOCK)));
		pattern_write(gift.blocks[i], BLOCK, i);
	}
	start_thread(&thread, NULL, set_keys, &gift);
	CHECK(!pthread_join(thread, NULL));
}

/* Half of the keys are made before the first allocation, half after it. */
static void make_keys(void)
{
	for (size_t i = 0; i < KEYS / 2; i++)
		CHECK(!pthread_key_create(&keys[i], destroy_value));
	use_heap(1);
	for (size_t i = KEYS / 2; i < KEYS; i++)
		CHECK(!pthread_key_create(&keys[i], destroy_value));
}

static void destructors_of_keys_may_allocate_and_free_in_every_round(void)
{
	size_t before = 0;

	make_keys();
	for (size_t i = 0; i < THREADS; i++) {
		run_gift(i);
		if (i == THREADS / 5)
			before = resident_bytes();
	}
	CHECK(atomic_load(&destructor_calls) == (size_t)THREADS * KEYS * ROUNDS);
	/*
	 * One block lost a key and thread would be 12 MiB. A heap that the helper has in hand while
	 * a thread begins is not adopted: there is another then, hardened with a quarantine too.
	 */
	CHECK_THAT(resident_bytes() < before + 8 * MIB,
		   "%zu KiB grew to %zu KiB: memory of ended threads is lost",
		   before / KIB, resident_bytes() / KIB);
}

/* A thread that meets the heap in its destructor for the first time. */
static void first_use(void *unused)
{
	(void)unused;
	use_heap(5);
}

static void *set_only(void *key)
{
	CHECK(!pthread_setspecific(*(pthread_key_t *)key, key));
	return NULL;
}

static void the_first_allocation_of_a_thread_may_be_in_a_destructor(void)
{
	pthread_key_t key;
	size_t before = 0;

	CHECK(!pthread_key_create(&key, first_use));
	for (size_t i = 0; i < THREADS; i++) {
		pthread_t thread;

		start_thread(&thread, NULL, set_only, &key);
		CHECK(!pthread_join(thread, NULL));
		if (i == THREADS / 5)
			before = resident_bytes();
	}
	CHECK_THAT(resident_bytes() < before + 3 * MIB, "%zu KiB grew to %zu KiB",
		   before / KIB, resident_bytes() / KIB);
}

/* What a thread_local object of C++ registers; glibc runs it before the keys. */
extern int __cxa_thread_atexit_impl(void (*function)(void *), void *data, void *library);
extern void *__dso_handle;

static void free_and_allocate(void *block)
{
	CHECK(pattern_holds(block, BLOCK, 3));
	free(block);
	use_heap(6);
}

static void *register_destructors(void *unused)
{
	for (size_t i = 0; i < 10; i++) {
		char *block = malloc(BLOCK);

		CHECK(block);
		pattern_write(block, BLOCK, 3);
		__cxa_thread_atexit_impl(free_and_allocate, block, &__dso_handle);
	}
	return unused;
}

static void thread_local_destructors_may_allocate_and_free(void)
{
	for (size_t i = 0; i < 500; i++) {
		pthread_t thread;

		start_thread(&thread, NULL, register_destructors, NULL);
		CHECK(!pthread_join(thread, NULL));
	}
}

static void free_on_cancel(void *block)
{
	CHECK(pattern_holds(block, BLOCK, 4));
	free(block);
	use_heap(7);
}

static void *work_until_cancelled(void *started)
{
	char *block = malloc(BLOCK);

	CHECK(block);
	pattern_write(block, BLOCK, 4);
	pthread_cleanup_push(free_on_cancel, block);
	sem_post(started);
	for (;;) {
		use_heap(8);
		pthread_testcancel();
	}
	pthread_cleanup_pop(1);
	return NULL;
}

static void cancelled_threads_leave_a_whole_heap(void)
{
	sem_t started;

	CHECK(!sem_init(&started, 0, 0));
	for (size_t i = 0; i < 500; i++) {
		pthread_t thread;
		void *result;

		start_thread(&thread, NULL, work_until_cancelled, &started);
		CHECK(!sem_wait(&started));
		CHECK(!pthread_cancel(thread));
		CHECK(!pthread_join(thread, &result));
		CHECK(result == PTHREAD_CANCELED);
		use_heap(i);
	}
}

static void *post_and_end(void *ended)
{
	use_heap(9);
	sem_post(ended);
	pthread_exit(NULL);
}

static void detached_threads_leave_a_whole_heap(void)
{
	pthread_attr_t detached;
	sem_t ended;

	CHECK(!sem_init(&ended, 0, 0));
	CHECK(!pthread_attr_init(&detached));
	CHECK(!pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED));
	for (size_t i = 0; i < 1000; i++) {
		pthread_t thread;

		start_thread(&thread, &detached, post_and_end, &ended);
		use_heap(i);
		CHECK(!sem_wait(&ended));
	}
}

static const struct contract_case cases[] = {
	CASE(destructors_of_keys_may_allocate_and_free_in_every_round),
	CASE(the_first_allocation_of_a_thread_may_be_in_a_destructor),
	CASE(thread_local_destructors_may_allocate_and_free),
	CASE(cancelled_threads_leave_a_whole_heap),
	CASE(detached_threads_leave_a_whole_heap),
};

CONTRACT_MAIN(cases)

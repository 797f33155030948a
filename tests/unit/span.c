/* SPDX-License-Identifier: MIT */
/*
 * span.c - may blocks be freed that lie behind what another thread is still opening, or has
 * failed to open? The fast path of free knows nothing of them.
 */
#include <config.h>

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <string.h>

#include <hakmem/hakmem.h>

#include "back/reservation.h"

#include "tests/unit/unit.h"

#define BLOCK_BYTES	4000

/* The linker puts this in the place of vm_open (--wrap). */
int __real_vm_open(void *start, size_t bytes);
int __wrap_vm_open(void *start, size_t bytes);

/* Of a thread: its openings are refused, the first one not before it may go on. */
static _Thread_local bool is_refused, has_waited;
static sem_t is_waiting, may_go_on;

int __wrap_vm_open(void *start, size_t bytes)
{
	if (!is_refused)
		return __real_vm_open(start, bytes);
	if (!has_waited) {
		has_waited = true;
		sem_post(&is_waiting);
		sem_wait(&may_go_on);
	}
	return -ENOMEM;
}

static void *open_in_vain(void *unused)
{
	struct chunk chunk;

	is_refused = true;
	ck_assert_int_eq(reservation_open(SUPERSLAB_UNITS, CHUNK_LARGE, 0, &chunk), -ENOMEM);
	return unused;
}

static bool is_out_of_span(const void *block)
{
	return ((uintptr_t)block - reservation.base) / 16 >= reservation_span_steps();
}

/* One that lies behind what the other thread opens; those before it stay. */
static char *take_out_of_span(void)
{
	char *block;

	do
		block = hak_malloc(BLOCK_BYTES);
	while (block && !is_out_of_span(block));
	ck_assert_ptr_nonnull(block);
	return memset(block, 1, BLOCK_BYTES);
}

static void *free_it(void *block)
{
	hak_free(block);
	return NULL;
}

static pthread_t begin(void)
{
	pthread_t opener;

	hak_free(hak_malloc(1));
	sem_init(&is_waiting, 0, 0);
	sem_init(&may_go_on, 0, 0);
	ck_assert_int_eq(pthread_create(&opener, NULL, open_in_vain, NULL), 0);
	sem_wait(&is_waiting);
	return opener;
}

static void end(pthread_t opener)
{
	sem_post(&may_go_on);
	ck_assert_int_eq(pthread_join(opener, NULL), 0);
}

static void use_out_of_span(void)
{
	char *block = take_out_of_span();
	pthread_t thread;

	ck_assert_uint_ge(hak_malloc_usable_size(block), BLOCK_BYTES);
	hak_free(block);
	block = hak_realloc(take_out_of_span(), 2 * BLOCK_BYTES);
	ck_assert_ptr_nonnull(block);
	ck_assert_int_eq(block[BLOCK_BYTES - 1], 1);
	hak_free_sized(block, 2 * BLOCK_BYTES);
	block = take_out_of_span();
	ck_assert_int_eq(pthread_create(&thread, NULL, free_it, block), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

START_TEST(while_another_opens_what_lies_behind_it_can_be_used)
{
	pthread_t opener = begin();

	use_out_of_span();
	end(opener);
}
END_TEST

START_TEST(when_another_has_failed_what_lies_behind_it_can_be_used)
{
	pthread_t opener = begin();
	char *block = take_out_of_span();

	end(opener);
	ck_assert(is_out_of_span(block));
	hak_free(block);
	use_out_of_span();
}
END_TEST

int main(void)
{
	TCase *tcase = unit_begin_between("span");

	tcase_add_test(tcase, while_another_opens_what_lies_behind_it_can_be_used);
	tcase_add_test(tcase, when_another_has_failed_what_lies_behind_it_can_be_used);
	return unit_end();
}

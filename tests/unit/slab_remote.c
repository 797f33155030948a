/* SPDX-License-Identifier: MIT */
/*
 * slab_remote.c - an owner that reads no messages gets few of them; does what is left in its slabs
 * instead come home once, whoever looks meanwhile, and is misuse seen there?
 */
#include <config.h>

#include "middle/slab_remote.h"

#include <stdatomic.h>

#include "back/charge.h"
#include "middle/remote_free.h"
#include "os/thread.h"

#include "tests/unit/unit.h"

#define SENDERS	4
#define BLOCKS	(INBOX_MESSAGES * REMOTE_BLOCKS * 2)

_Static_assert(BLOCKS % SENDERS == 0, "each has as many");

static char nobody;
static struct heap heaps[2];
static char bins[2][CLASS_COUNT * HEAP_BIN_BYTES];
static struct remote_outbox outboxes[SENDERS];
static void *blocks[BLOCKS];
static unsigned class;
static _Atomic unsigned senders_at_work;

static void set_up(void)
{
	size_class_init();
	ck_assert_int_eq(reservation_init(&nobody), 0);
	heap_create(&heaps[0], bins[0], 0);
	heap_create(&heaps[1], bins[1], 0);
}

static void take(struct heap *heap, unsigned of_class, unsigned count)
{
	struct unit_random random = unit_random_begin();
	unsigned taken = 0, got;

	class = of_class;
	for (; taken < count; taken += got) {
		got = heap_take_blocks(heap, class, blocks + taken, count - taken);
		ck_assert_uint_ge(got, 1);
	}
	unit_shuffle(&random, blocks, count);
}

static void push(unsigned outbox, struct heap *owner, void *block)
{
	if (!remote_free_add(&outboxes[outbox], owner, block, class))
		ck_assert(remote_free_push(&outboxes[outbox], owner, block, class));
}

static void push_all(unsigned outbox, unsigned first, unsigned end)
{
	for (; first < end; first++)
		push(outbox, &heaps[0], blocks[first]);
	remote_free_send_all(&outboxes[outbox]);
}

/* Each is counted as it comes, and putting one that is free already aborts. */
static void check_all_came(void)
{
	ck_assert(!remote_free_is_waiting(&heaps[0]));
	ck_assert_uint_eq(heap_count_read(&heaps[0].counts[class].received), BLOCKS);
	heap_put_empty_slabs(&heaps[0]);
	ck_assert_uint_eq(charge_taken_bytes(), 0);
}

static unsigned messages_of(struct heap *owner)
{
	struct remote_message *message = atomic_load(&owner->inbox);
	unsigned count = 0;

	for (; message; message = message->next)
		count++;
	return count;
}

/* _i: class. What one sender has on its way at most comes on top. */
START_TEST(an_owner_that_reads_nothing_is_sent_few_messages)
{
	take(&heaps[0], (unsigned)_i, BLOCKS);
	push_all(0, 0, BLOCKS);
	ck_assert_uint_ge(messages_of(&heaps[0]), INBOX_MESSAGES);
	ck_assert_uint_le(messages_of(&heaps[0]), INBOX_MESSAGES + INBOX_MESSAGES / 16);
	while (remote_free_is_waiting(&heaps[0]))
		remote_free_catch_up(&heaps[0]);
	check_all_came();
}
END_TEST

static void send_or_receive_late(unsigned number)
{
	if (number < SENDERS) {
		push_all(number, number * (BLOCKS / SENDERS), (number + 1) * (BLOCKS / SENDERS));
		atomic_fetch_sub(&senders_at_work, 1);
		return;
	}
	while (!remote_free_is_outrun(&heaps[0]))
		thread_yield();
	while (atomic_load(&senders_at_work))
		remote_free_catch_up(&heaps[0]);
	remote_free_drain(&heaps[0]);
}

/* _i: class */
START_TEST(what_is_left_while_the_owner_looks_comes_home_once)
{
	take(&heaps[0], (unsigned)_i, BLOCKS);
	atomic_store(&senders_at_work, SENDERS);
	unit_threads(SENDERS + 1, send_or_receive_late);
	check_all_came();
}
END_TEST

/* _i: class */
START_TEST(a_drain_takes_what_was_left_and_nothing_stays_for_the_next_slab)
{
	unsigned i;

	take(&heaps[0], (unsigned)_i, BLOCKS);
	push_all(0, 0, BLOCKS);
	ck_assert(remote_free_is_outrun(&heaps[0]));
	remote_free_drain(&heaps[0]);
	check_all_came();
	take(&heaps[1], 40, 500);
	for (i = 0; i < 500; i++)
		push(0, &heaps[1], blocks[i]);
	remote_free_send_all(&outboxes[0]);
	remote_free_drain(&heaps[1]);
	ck_assert_uint_eq(heap_count_read(&heaps[1].counts[class].received), 500);
}
END_TEST

static void push_again(void *block)
{
	push(1, &heaps[0], block);
}

START_TEST(a_block_that_is_left_twice_or_a_pointer_inside_one_aborts)
{
	char *live;

	take(&heaps[0], 1, BLOCKS);
	live = blocks[BLOCKS - 1];
	push_all(0, 0, BLOCKS - 1);
	ck_assert(remote_free_is_outrun(&heaps[0]));
	unit_expect_abort(push_again, blocks[BLOCKS - 2], "double free of %p (size class %u)",
			  blocks[BLOCKS - 2], size_class_table[1].size);
	unit_expect_abort(push_again, live + 16,
			  "free of %p, which lies inside the block at %p (size class %u)",
			  (void *)(live + 16), (void *)live, size_class_table[1].size);
}
END_TEST

int main(void)
{
	TCase *tcase = unit_begin("slab_remote");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_loop_test(tcase, an_owner_that_reads_nothing_is_sent_few_messages, 0, 12);
	tcase_add_loop_test(tcase, what_is_left_while_the_owner_looks_comes_home_once, 0, 8);
	tcase_add_loop_test(tcase, a_drain_takes_what_was_left_and_nothing_stays_for_the_next_slab,
			    0, 12);
	tcase_add_test(tcase, a_block_that_is_left_twice_or_a_pointer_inside_one_aborts);
	return unit_end();
}

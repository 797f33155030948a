/* SPDX-License-Identifier: MIT */
/*
 * remote_free.c - does every block that other threads free come home, once, in batches that
 * are not too long, to an owner at work, to one that has left, and to a frozen one?
 */
#include <config.h>

#include "back/charge.h"
#include "back/metadata.h"
#include "middle/heap_frozen.h"
#include "middle/remote_free.h"

#include <stdatomic.h>

#include "tests/unit/unit.h"

#define HEAPS	     40
#define SENDERS	     4
#define BLOCKS_EACH  5000
#define BATCH_BYTES  (64 * KiB)
#define BATCH_BLOCKS (BATCH_BYTES / REMOTE_BLOCK_WEIGHT + REMOTE_GRANT)

static char nobody;
static struct heap heaps[HEAPS];
static char bins[HEAPS][CLASS_COUNT * HEAP_BIN_BYTES];
static struct remote_outbox outboxes[SENDERS + 1];
static void *blocks[SENDERS * BLOCKS_EACH];
static unsigned class;
static _Atomic unsigned senders_at_work;
static struct unit_random shared_random;

static void set_up(void)
{
	unsigned i;

	size_class_init();
	ck_assert_int_eq(reservation_init(&nobody), 0);
	for (i = 0; i < HEAPS; i++)
		heap_create(&heaps[i], bins[i], 0);
}

static size_t size_of_class(void)
{
	return size_class_table[class].size;
}

static void take(struct heap *heap, void **into, unsigned count)
{
	unsigned taken = 0, got;

	for (; taken < count; taken += got) {
		got = heap_take_blocks(heap, class, into + taken, count - taken);
		ck_assert_uint_ge(got, 1);
	}
}

static void push(struct remote_outbox *outbox, struct heap *owner, void *block)
{
	if (!remote_free_add(outbox, owner, block, class))
		ck_assert(remote_free_push(outbox, owner, block, class));
}

/* What was left in slabs, and messages that have come meanwhile. */
static unsigned note_left(struct heap *owner)
{
	uint32_t before = heap_count_read(&owner->counts[class].received);

	while (remote_free_is_outrun(owner))
		remote_free_catch_up(owner);
	return heap_count_read(&owner->counts[class].received) - before;
}

/* Blocks that have come, each noted by its place in its slab; a second coming is an error. */
static unsigned note_messages(struct heap *owner)
{
	struct remote_returns returns = { .first = NULL };
	struct remote_message *message;
	unsigned came = 0;

	while ((message = remote_free_receive(owner))) {
		unsigned count = (unsigned)message->count;

		ck_assert_uint_le(count, REMOTE_BLOCKS);
		heap_put_blocks(owner, message->blocks, count); /* aborts if one is free already */
		came += count;
		remote_free_return(&returns, message);
	}
	remote_free_return_all(&returns);
	return came + note_left(owner);
}

static void send_share(unsigned number)
{
	struct unit_random random = unit_random_of_thread(shared_random, number);
	void **share = blocks + number * BLOCKS_EACH;
	unsigned i, count = size_of_class() > 16 * KiB ? 50 : BLOCKS_EACH;

	for (i = 0; i < count; i++) {
		push(&outboxes[number], &heaps[0], share[i]);
		if (unit_random_next(&random) % 500 == 0)
			remote_free_send_all(&outboxes[number]);
	}
	remote_free_send_all(&outboxes[number]);
	ck_assert_uint_eq(outboxes[number].pending, 0);
	atomic_fetch_sub(&senders_at_work, 1);
}

static unsigned came_home;

static void send_or_receive(unsigned number)
{
	if (number < SENDERS) {
		send_share(number);
		return;
	}
	while (atomic_load(&senders_at_work))
		came_home += note_messages(&heaps[0]);
	came_home += note_messages(&heaps[0]);
}

/* _i: class */
START_TEST(blocks_pushed_by_several_threads_come_home_once)
{
	unsigned each, i;

	class = (unsigned)_i;
	each = size_of_class() > 16 * KiB ? 50 : BLOCKS_EACH;
	shared_random = unit_random_begin();
	for (i = 0; i < SENDERS; i++)
		take(&heaps[0], blocks + i * BLOCKS_EACH, each);
	unit_shuffle(&shared_random, blocks, each);
	atomic_store(&senders_at_work, SENDERS);
	unit_threads(SENDERS + 1, send_or_receive);
	ck_assert_uint_eq(came_home, SENDERS * each);
	ck_assert(!remote_free_is_waiting(&heaps[0]));
	heap_put_empty_slabs(&heaps[0]);
	ck_assert_uint_eq(charge_taken_bytes(), 0);
}
END_TEST

START_TEST(blocks_of_many_owners_come_home_to_their_own)
{
	struct unit_random random = unit_random_begin();
	unsigned i, left[HEAPS];
	static void *of_heap[HEAPS][100];

	class = 4;
	for (i = 0; i < HEAPS; i++) {
		take(&heaps[i], of_heap[i], 100);
		left[i] = 100;
	}
	for (i = 0; i < HEAPS * 100; i++) {
		size_t owner = unit_random_between(&random, 0, HEAPS - 1);

		while (!left[owner])
			owner = (owner + 1) % HEAPS;
		push(&outboxes[0], &heaps[owner], of_heap[owner][--left[owner]]);
	}
	remote_free_send_all(&outboxes[0]);
	ck_assert_uint_eq(outboxes[0].pending, 0);
	for (i = 0; i < HEAPS; i++) {
		ck_assert_uint_eq(note_messages(&heaps[i]), 100);
		heap_put_empty_slabs(&heaps[i]);
	}
	ck_assert_uint_eq(charge_taken_bytes(), 0);
}
END_TEST

START_TEST(a_batch_is_sent_before_it_is_too_long)
{
	unsigned most, pushed;

	class = (unsigned)_i;
	most = (unsigned)(BATCH_BYTES / size_of_class()) + 1;
	most = most < BATCH_BLOCKS ? most : BATCH_BLOCKS;
	take(&heaps[0], blocks, most + 1);
	for (pushed = 0; !remote_free_is_waiting(&heaps[0]); pushed++) {
		ck_assert_uint_le(pushed, most);
		push(&outboxes[0], &heaps[0], blocks[pushed]);
	}
	ck_assert_uint_ge(pushed, 2);
	ck_assert_uint_eq(note_messages(&heaps[0]), pushed - 1);
	ck_assert_uint_eq(outboxes[0].pending, 1);
}
END_TEST

START_TEST(draining_puts_everything_into_the_slabs)
{
	unsigned i;

	class = (unsigned)_i;
	take(&heaps[0], blocks, 70);
	for (i = 0; i < 69; i++)
		push(&outboxes[0], &heaps[0], blocks[i]);
	remote_free_send_all(&outboxes[0]);
	ck_assert(remote_free_send_one(&outboxes[0], &heaps[0], blocks[69]));
	ck_assert(remote_free_is_waiting(&heaps[0]));
	remote_free_drain(&heaps[0]);
	ck_assert(!remote_free_is_waiting(&heaps[0]));
	heap_put_empty_slabs(&heaps[0]);
	ck_assert_uint_eq(charge_taken_bytes(), 0);
}
END_TEST

static void push_again(void *block)
{
	push(&outboxes[0], &heaps[0], block);
}

/*
 * _i: how many blocks were pushed before; at 29 the message is full, and the last still compared.
 */
START_TEST(pushing_a_block_twice_in_a_row_aborts)
{
	int i;

	class = 12;
	take(&heaps[0], blocks, 64);
	for (i = 0; i < _i; i++)
		push(&outboxes[0], &heaps[0], blocks[i]);
	unit_expect_abort(push_again, blocks[_i - 1], "double free of %p (size class %u)",
			  blocks[_i - 1], (unsigned)size_of_class());
}
END_TEST

static void drain(void *heap)
{
	remote_free_drain(heap);
}

START_TEST(a_block_that_comes_home_twice_aborts)
{
	class = 12;
	take(&heaps[0], blocks, 2);
	push(&outboxes[0], &heaps[0], blocks[0]);
	remote_free_send_all(&outboxes[0]);
	push(&outboxes[1], &heaps[0], blocks[1]);
	push(&outboxes[1], &heaps[0], blocks[0]);
	remote_free_send_all(&outboxes[1]);
	unit_expect_abort(drain, &heaps[0], "double free of %p (size class %u)",
			  blocks[0], (unsigned)size_of_class());
}
END_TEST

static void send_to_idle(unsigned number)
{
	unsigned i;

	for (i = 0; i < BLOCKS_EACH; i++)
		push(&outboxes[number], &heaps[0], blocks[number * BLOCKS_EACH + i]);
	remote_free_send_all(&outboxes[number]);
}

START_TEST(a_heap_without_a_thread_is_emptied_by_those_who_send)
{
	class = 8;
	take(&heaps[0], blocks, SENDERS * BLOCKS_EACH);
	heap_abandon(&heaps[0]);
	unit_threads(SENDERS, send_to_idle);
	/* A sender that found another at work left its batch to it. */
	ck_assert(!remote_free_is_waiting(&heaps[0]));
	ck_assert_uint_eq(charge_taken_bytes(), 0);
}
END_TEST

static void *comes_late;

void __wrap_heap_put_empty_slabs(struct heap *heap);
void __real_heap_put_empty_slabs(struct heap *heap);

/* Behind the drain: somebody has the heap in hand still. */
void __wrap_heap_put_empty_slabs(struct heap *heap)
{
	void *block = comes_late;

	comes_late = NULL;
	if (block)
		ck_assert(remote_free_send_one(&outboxes[1], heap, block));
	__real_heap_put_empty_slabs(heap);
}

START_TEST(what_comes_while_an_idle_heap_is_visited_does_not_wait)
{
	class = 8;
	take(&heaps[0], blocks, 2);
	heap_abandon(&heaps[0]);
	comes_late = blocks[1];
	ck_assert(remote_free_send_one(&outboxes[0], &heaps[0], blocks[0]));
	ck_assert_ptr_null(comes_late);
	ck_assert(!remote_free_is_waiting(&heaps[0]));
	ck_assert_uint_eq(charge_taken_bytes(), 0);
}
END_TEST

START_TEST(one_sender_leaves_nothing_waiting_in_an_idle_heap)
{
	class = 8;
	take(&heaps[0], blocks, BLOCKS_EACH);
	heap_abandon(&heaps[0]);
	send_to_idle(0);
	ck_assert(!remote_free_is_waiting(&heaps[0]));
	ck_assert_uint_eq(charge_taken_bytes(), 0);
	ck_assert(heap_visit(&heaps[0]));
}
END_TEST

START_TEST(messages_that_were_read_serve_again)
{
	size_t metadata;
	unsigned round, i;

	class = 4;
	take(&heaps[0], blocks, 1000);
	for (round = 0; round < 100; round++) {
		for (i = 0; i < 1000; i++)
			push(&outboxes[0], &heaps[0], blocks[i]);
		remote_free_send_all(&outboxes[0]);
		ck_assert_uint_eq(note_messages(&heaps[0]), 1000);
		take(&heaps[0], blocks, 1000);
		if (!round)
			metadata = metadata_bytes();
	}
	ck_assert_uint_eq(metadata_bytes(), metadata);
}
END_TEST

/* What is written into a block that is on its way does not change what comes home. */
START_TEST(a_message_lies_outside_of_the_heap)
{
	unsigned i;

	class = 0;
	take(&heaps[0], blocks, 100);
	for (i = 0; i < 100; i++) {
		push(&outboxes[0], &heaps[0], blocks[i]);
		unit_fill(blocks[i], size_of_class(), i);
	}
	remote_free_send_all(&outboxes[0]);
	for (i = 0; i < 100; i++)
		unit_fill(blocks[i], size_of_class(), 100 + i);
	ck_assert_uint_eq(note_messages(&heaps[0]), 100);
	for (i = 0; i < 100; i++)
		ck_assert(unit_is_filled(blocks[i], size_of_class(), 100 + i));
}
END_TEST

static void ignore(struct heap *heap)
{
	(void)heap;
}

START_TEST(what_is_sent_to_a_frozen_heap_is_put_at_once)
{
	unsigned capacity, i;

	class = (unsigned)_i;
	capacity = size_class_table[class].capacity;
	take(&heaps[0], blocks, capacity);
	heap_frozen_all_but(&heaps[1], ignore);
	for (i = 0; i + 1 < capacity; i++)
		push(&outboxes[0], &heaps[0], blocks[i]);
	remote_free_send_all(&outboxes[0]);
	ck_assert_uint_ne(charge_taken_bytes(), 0);
	ck_assert(remote_free_send_one(&outboxes[0], &heaps[0], blocks[capacity - 1]));
	ck_assert_uint_eq(charge_taken_bytes(), 0);
	ck_assert(!remote_free_is_waiting(&heaps[0]));
}
END_TEST

int main(void)
{
	TCase *tcase = unit_begin_between("remote_free");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_loop_test(tcase, blocks_pushed_by_several_threads_come_home_once, 0,
			    CLASS_COUNT);
	tcase_add_test(tcase, blocks_of_many_owners_come_home_to_their_own);
	tcase_add_loop_test(tcase, a_batch_is_sent_before_it_is_too_long, 0, CLASS_COUNT);
	tcase_add_loop_test(tcase, draining_puts_everything_into_the_slabs, 0,
			    CLASS_COUNT);
	tcase_add_loop_test(tcase, pushing_a_block_twice_in_a_row_aborts, 1, 30);
	tcase_add_test(tcase, a_block_that_comes_home_twice_aborts);
	tcase_add_test(tcase, a_heap_without_a_thread_is_emptied_by_those_who_send);
	tcase_add_test(tcase, what_comes_while_an_idle_heap_is_visited_does_not_wait);
	tcase_add_test(tcase, one_sender_leaves_nothing_waiting_in_an_idle_heap);
	tcase_add_test(tcase, messages_that_were_read_serve_again);
	tcase_add_test(tcase, a_message_lies_outside_of_the_heap);
	tcase_add_loop_test(tcase, what_is_sent_to_a_frozen_heap_is_put_at_once, 0,
			    CLASS_COUNT);
	return unit_end();
}

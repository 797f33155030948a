/* SPDX-License-Identifier: MIT */
/*
 * helper.c - see helper.h.
 *
 * It starts late, from a slow path of a process that has outgrown the plain part, so a small
 * process pays nothing. It has a descriptor table of its own: a program that closes all its
 * descriptors closes none of ours, and none of ours is inherited. It allocates nothing and
 * takes no lock that an application thread takes.
 */
#include <config.h>

#include "entry/helper.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <kmod-free-helpers/descriptor_table.h>
#include <kmod-free-helpers/event_loop.h>

#include "back/helper_link.h"
#include "back/limit.h"
#include "back/placement.h"
#include "back/populate_ahead.h"
#include "back/populate_policy.h"
#include "back/release_behind.h"
#include "back/wait_count.h"
#include "entry/control.h"
#include "entry/control_purge.h"
#include "entry/ledger.h"
#include "entry/rungs.h"
#include "entry/snapshot.h"
#include "entry/strays.h"
#include "front/lease.h"
#include "front/reclaim.h"
#include "middle/slab.h"
#include "os/pressure.h"
#include "os/process.h"
#include "os/thread.h"
#include "os/vm.h"
#include "support/log.h"
#include "support/options.h"

#define NS_PER_SECOND	1000000000ull
#define TURN_NS		300000ull	/* the filling of a superslab or so */

/*
 * In a page that is wiped on fork: a child made by a raw clone(2), which runs no fork handlers,
 * sees that it has no helper.
 */
struct life {
	_Atomic bool running;	/* release by the helper; acquire by all */
};

static _Atomic(struct life *) life;
static _Atomic size_t wakeups;			/* relaxed: a count */
static _Atomic pid_t process;			/* written before there is a second thread */
static _Atomic(const char *) refusal;		/* why there is no helper; relaxed: for reports */
static struct event_doorbell doorbell;
static _Atomic bool filtered;			/* relaxed: seccomp, when it started or since */
static _Atomic bool started;			/* in this process */
/* The helper's alone. What a program closes that it did not open must be none of ours. */
static bool keeps_descriptors;

/* error: -errno, or 0. */
static void refuse(const char *why, int error)
{
	atomic_store_explicit(&refusal, why, memory_order_relaxed);
	rungs_set(RUNG_HELPER, CONTROL_RUNG_OFF, error, why);
	helper_link_refuse();
}

static bool is_filtered(void)
{
	return atomic_load_explicit(&filtered, memory_order_relaxed);
}

static bool is_running(void)
{
	/* acquire: pairs with the release in begin_life */
	struct life *page = atomic_load_explicit(&life, memory_order_acquire);

	return page && atomic_load_explicit(&page->running, memory_order_acquire);
}

/* By the helper itself: the thread that starts it makes no memory system call for it. */
static int begin_life(void)
{
	void *page = atomic_load_explicit(&life, memory_order_acquire);
	int error = page ? 0 : vm_map_wiped_on_fork(&page);

	if (error)
		return error;
	/* release: pairs with the acquire in is_running */
	atomic_store_explicit(&((struct life *)page)->running, true, memory_order_release);
	atomic_store_explicit(&life, page, memory_order_release);
	return 0;
}

static void wake(void)
{
	event_loop_ring(&doorbell);
}

static void say_stray(const struct fault_stray *stray)
{
	const char *access = stray->write ? "write to" : "read of";
	void *address = (void *)stray->address;
	unsigned mark;

	mark = slab_unit(reservation_unit_of(address))->class_mark;
	if (mark)
		log_warning("stray %s %p by thread %u: free memory, last of size class %u", access,
			    address, (unsigned)stray->thread, size_class_table[mark - 1].size);
	else
		log_warning("stray %s %p by thread %u: memory that was never handed out", access,
			    address, (unsigned)stray->thread);
	if (options.on_stray_access == ON_STRAY_ABORT)
		log_fatal("on_stray_access:abort");
}

static void note_stray(const struct fault_stray *stray)
{
	unsigned mark = slab_unit(reservation_unit_of((void *)stray->address))->class_mark;

	strays_note(&(struct control_stray){
		.when_ns = process_date_ns(),
		.address = stray->address,
		.thread = (uint32_t)stray->thread,
		.is_write = stray->write,
		.class_bytes = mark ? size_class_table[mark - 1].size : 0,
	});
}

static void report_stray(const struct fault_stray *stray)
{
	if (options.on_stray_access == ON_STRAY_OFF)
		return;
	note_stray(stray);
	descriptor_table_borrow_error_output();
	say_stray(stray);
	descriptor_table_put_error_output();
}

/* How scarce memory is: by the limits of the heap, of its cgroup, of the machine. */
static enum release_urgency urgency(struct pressure *pressure)
{
	static const enum release_urgency of_level[] = {
		[PRESSURE_NONE] = RELEASE_CALM,
		[PRESSURE_SOME] = RELEASE_SOON,
		[PRESSURE_HIGH] = RELEASE_NOW,
	};

	if (limit_wants_room() || control_purge_is_on())
		return RELEASE_NOW;
	if (is_filtered() || !keeps_descriptors)
		return RELEASE_CALM;
	return of_level[pressure_read(pressure, process_now_ns())];
}

static uint64_t populate(struct pressure *pressure)
{
	uint64_t now_ns = process_now_ns();

	if (keeps_descriptors && !is_filtered())
		populate_ahead_set_room(pressure_room(pressure, now_ns));
	return populate_ahead_tick(now_ns, report_stray);
}

/* For hakctl doctor. */
static void note_rungs(const struct event_loop *loop)
{
	const struct fault_probe *probe = populate_ahead_probe();
	bool has_uffd = probe->way != FAULT_PROBE_NONE, has_move = probe->way == FAULT_PROBE_MOVE;
	enum control_rung_state off = populate_ahead_has_room() ? CONTROL_RUNG_OFF :
								  CONTROL_RUNG_UNWANTED;

	rungs_set(RUNG_HELPER, CONTROL_RUNG_ON, 0, "");
	if (options.huge_pages == HUGE_PAGES_NEVER)
		rungs_set(RUNG_HUGE_PAGES, CONTROL_RUNG_UNWANTED, 0, "huge_pages:never");
	else if (process_has_no_huge_pages())
		rungs_set(RUNG_HUGE_PAGES, CONTROL_RUNG_OFF, 0,
			  "/sys/kernel/mm/transparent_hugepage/enabled is never, or missing");
	else
		rungs_set(RUNG_HUGE_PAGES, CONTROL_RUNG_ON, 0, "");
	rungs_set(RUNG_USERFAULTFD, has_uffd ? CONTROL_RUNG_ON : off,
		  has_uffd ? 0 : probe->error, has_uffd ? "" : probe->reason);
	rungs_set(RUNG_MOVE, has_move ? CONTROL_RUNG_ON : off, probe->error,
		  has_move ? "" : probe->reason);
	rungs_set(RUNG_RING, loop->has_ring ? CONTROL_RUNG_ON : CONTROL_RUNG_OFF, loop->ring_error,
		  loop->has_ring ? "" : event_loop_why_no_ring(loop));
}

/* A thread that rings makes the sleep shorter; only what is longer is lag. */
static void sleep_and_note(struct event_loop *loop, uint64_t sleep_ns)
{
	uint64_t before = process_now_ns(), slept;

	event_loop_wait(loop, sleep_ns, POPULATE_LONG_SLEEP_NS);
	slept = process_now_ns() - before;
	if (slept > sleep_ns)
		ledger_note_lag(slept - sleep_ns);
}

/* A filter that comes later might kill who removes the socket at the end. */
static void look_for_filter(void)
{
	static uint64_t looked_ns;
	uint64_t now_ns = process_now_ns();

	if (is_filtered() || now_ns < looked_ns + NS_PER_SECOND)
		return;
	looked_ns = now_ns;
	atomic_store_explicit(&filtered, process_is_filtered(), memory_order_relaxed);
	if (is_filtered())
		atomic_store_explicit(&wait_count_is_on, false, memory_order_relaxed);
}

/*
 * On one processor whatever is populated ahead takes it from the program, which then waits
 * longer than its own page faults would have taken.
 */
static void begin_populating(int table_error)
{
	unsigned processors = is_filtered() ? 1 : thread_run_where_first();

	populate_ahead_begin(processors > 1 || options.helpers == HELPERS_ALWAYS, table_error);
}

static void *run(void *argument)
{
	struct pressure pressure;
	struct event_loop loop;
	int table_error, life_error;

	(void)argument;
	thread_name("hakmem-helper");
	life_error = begin_life();
	if (life_error) {
		refuse("no memory for its state, or MADV_WIPEONFORK is refused", life_error);
		return NULL;
	}
	thread_leave_real_time();
	if (!is_filtered())
		thread_take_short_turns(TURN_NS);
	table_error = descriptor_table_separate();
	keeps_descriptors = !table_error && !is_filtered();
	vm_count_as_helper();
	begin_populating(table_error);
	/* Threads run ahead already: the first superslabs come before anything else. */
	populate_ahead_tick(process_now_ns(), report_stray);
	if (!control_is_running())
		rungs_begin_barrier();
	release_behind_begin(process_now_ns, keeps_descriptors);
	reclaim_begin(process_now_ns);
	if (keeps_descriptors)
		pressure_open(&pressure);
	event_loop_open(&loop, &doorbell, keeps_descriptors);
	if (populate_ahead_descriptor() >= 0)
		event_loop_watch(&loop, populate_ahead_descriptor());
	note_rungs(&loop);
	atomic_store_explicit(&wait_count_is_on, !is_filtered(), memory_order_relaxed);
	for (;;) {
		uint64_t sleep_ns = populate(&pressure);
		uint64_t reclaim_ns = reclaim_tick();
		uint64_t release_ns = release_behind_tick(urgency(&pressure));
		uint64_t survey_ns = placement_tick(process_now_ns());
		uint64_t purge_ns = control_purge_tick();

		snapshot_refresh(process_now_ns());
		look_for_filter();
		if (ledger_ask_for_pages())
			purge_ns = 0;
		sleep_ns = min_size(min_size(sleep_ns, survey_ns), min_size(reclaim_ns, release_ns));
		/* The C library ends the process with its last thread; that of control waits for ever. */
		if (sleep_ns >= POPULATE_LONG_SLEEP_NS && thread_is_last(1 + control_is_running()))
			exit(0);
		sleep_ns = min_size(sleep_ns, purge_ns);
		if (sleep_ns)
			sleep_and_note(&loop, sleep_ns);
		atomic_fetch_add_explicit(&wakeups, 1, memory_order_relaxed);
	}
}

/* False: a vfork's child, which borrows its parent's memory, or a process not started yet. */
static bool is_own_process(void)
{
	return getpid() == atomic_load_explicit(&process, memory_order_relaxed);
}

static void start(void)
{
	static char stack[THREAD_STACK_BYTES] __attribute__((aligned(4096)));
	int error;

	if (options.helpers == HELPERS_NEVER || atomic_load_explicit(&refusal, memory_order_relaxed))
		return;
	/* The helper looks at the heap at once. */
	if (!lease_has_heap())
		return;
	/* One thread starts it; the others go on. */
	if (atomic_exchange_explicit(&started, true, memory_order_acq_rel))
		return;
	/* Asked first: a filter might kill for the getpid of is_own_process. */
	atomic_store_explicit(&filtered, fault_probe_is_filtered(), memory_order_relaxed);
	if (is_filtered() && options.helpers == HELPERS_AUTO)
		refuse("a seccomp filter is in force, which might kill (helpers:always overrides)", 0);
	else if (!is_own_process())
		atomic_store_explicit(&started, false, memory_order_release);
	else if ((error = thread_start(run, stack, sizeof(stack))))
		refuse("its thread could not be started (limit of threads or memory?)", error);
	else
		control_start(is_filtered());
}

void helper_init(void)
{
	atomic_store_explicit(&process, getpid(), memory_order_relaxed);
	ledger_set_helper(helper_describe, helper_wakeups);
	if (options.helpers == HELPERS_NEVER)
		return;
	helper_link_set(start, wake, is_running);
	if (options.helpers == HELPERS_ALWAYS || control_wants_helper())
		atomic_store_explicit(&helper_link.wanted, true, memory_order_relaxed);
}

void helper_after_fork_in_child(void)
{
	atomic_store_explicit(&process, getpid(), memory_order_relaxed);
	atomic_store_explicit(&doorbell.sleeps_long, false, memory_order_relaxed);
	atomic_store_explicit(&started, false, memory_order_relaxed);
	atomic_store_explicit(&wait_count_is_on, false, memory_order_relaxed);
	populate_ahead_forget();
	release_behind_forget();
	control_forget();
	if (control_wants_helper())
		atomic_store_explicit(&helper_link.wanted, true, memory_order_relaxed);
}

static const char *way_name(const struct fault_probe *probe)
{
	if (!populate_ahead_has_room())
		return "release only";
	return probe->way == FAULT_PROBE_COPY ? "uffd+copy" : "touch";
}

void helper_describe(char *text, size_t bytes)
{
	const char *why = atomic_load_explicit(&refusal, memory_order_relaxed);
	const struct fault_probe *probe = populate_ahead_probe();

	if (options.helpers == HELPERS_NEVER)
		log_format_text(text, bytes, "no helper: helpers:never");
	else if (why)
		log_format_text(text, bytes, "no helper: %s", why);
	else if (!is_running())
		log_format_text(text, bytes, "no helper yet: the heap is small");
	else if (probe->way == FAULT_PROBE_MOVE)
		log_format_text(text, bytes, "uffd+move");
	else
		log_format_text(text, bytes, "%s: %s", way_name(probe), probe->reason);
}

size_t helper_wakeups(void)
{
	return atomic_load_explicit(&wakeups, memory_order_relaxed);
}

void helper_end(void)
{
	/* Of a vfork's child too, which has its parent's memory. */
	if (is_running() && !is_filtered() && is_own_process())
		control_end();
}

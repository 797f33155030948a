/* SPDX-License-Identifier: MIT */
/*
 * helper.c - see helper.h. A task that is no thread of the program (os/task.h): it shares the
 * memory and nothing else, has given up what it does not need (sandbox/confine.h), allocates
 * nothing and takes no lock that a thread of the program takes.
 */
#include <config.h>

#include "helper/helper.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <kmod-free-helpers/descriptor_table.h>
#include <kmod-free-helpers/event_loop.h>

#include "back/brought.h"
#include "back/helper_link.h"
#include "back/limit.h"
#include "upkeep/placement.h"
#include "upkeep/populate_ahead.h"
#include "upkeep/populate_policy.h"
#include "upkeep/release_behind.h"
#include "back/wait_count.h"
#include "control/control.h"
#include "control/control_purge.h"
#include "helper/helper_life.h"
#include "upkeep/helper_mode.h"
#include "control/ledger.h"
#include "control/page_count.h"
#include "upkeep/rungs.h"
#include "control/snapshot.h"
#include "upkeep/strays.h"
#include "upkeep/reclaim.h"
#include "os/clock.h"
#include "sandbox/confine.h"
#include "os/node.h"
#include "os/pressure.h"
#include "os/process.h"
#include "os/program.h"
#include "os/task.h"
#include "os/task_limit.h"
#include "os/thread.h"
#include "os/vm.h"
#include "support/log.h"
#include "support/options.h"
#include "support/system_call.h"

#define NS_PER_SECOND	1000000000ull
#define DESCRIPTORS_LEAST	64ul
#define TURN_NS		300000ull		/* the filling of a superslab or so */
#define LOOK_NS		(2 * NS_PER_SECOND)	/* is the program still there? */
#define SLACK_NS	50000ul			/* a growing program is looked at each ms */

static bool had_one;				/* in this process; the helper's */
/* The helper's alone. What a program closes that it did not open must be none of ours. */
static bool keeps_descriptors;
static bool is_unasked;				/* it was started in spite of a filter */
static int confine_error;			/* -errno: it has not given up all that it could */

#define UNCONFINED	"capset(2), no_new_privs or a seccomp filter of its own is refused"

/* How scarce memory is: by the limits of the heap, of its cgroup, of the machine. */
static enum release_urgency urgency(struct pressure *pressure)
{
	static const enum release_urgency of_level[] = {
		[PRESSURE_NONE] = RELEASE_CALM,
		[PRESSURE_SOME] = RELEASE_SOON,
		[PRESSURE_HIGH] = RELEASE_NOW,
	};

	enum release_urgency around = RELEASE_CALM;

	if (limit_wants_room() || control_purge_is_on())
		return RELEASE_NOW;
	if (!helper_life_is_filtered() && keeps_descriptors)
		around = of_level[pressure_read(pressure, process_now_ns())];
	return around == RELEASE_CALM && reclaim_is_pressed() ? RELEASE_SOON : around;
}

static uint64_t populate(struct pressure *pressure)
{
	uint64_t now_ns = process_now_ns();

	if (keeps_descriptors && !helper_life_is_filtered())
		populate_ahead_set_room(pressure_room(pressure, now_ns));
	brought_set_wasteful(reclaim_is_pressed());
	return populate_ahead_tick(now_ns, strays_report);
}

/* For hakctl doctor. */
static void note_rungs(const struct event_loop *loop)
{
	const struct fault_probe *probe = populate_ahead_probe();
	bool has_uffd = probe->way != FAULT_PROBE_NONE, has_move = probe->way == FAULT_PROBE_MOVE;
	enum control_rung_state off = populate_ahead_has_room() ? CONTROL_RUNG_OFF :
								  CONTROL_RUNG_UNWANTED;

	rungs_set(RUNG_HELPER, CONTROL_RUNG_ON, confine_error, confine_error ? UNCONFINED : "");
	if (options.huge_pages == HUGE_PAGES_NEVER)
		rungs_set(RUNG_HUGE_PAGES, CONTROL_RUNG_UNWANTED, 0, "huge_pages:never");
	else if (vm_has_no_huge_pages())
		rungs_set(RUNG_HUGE_PAGES, CONTROL_RUNG_OFF, 0,
			  "/sys/kernel/mm/transparent_hugepage/enabled is never, or missing");
	else if (options.huge_pages == HUGE_PAGES_AUTO && !vm_huge_pages_fit())
		rungs_set(RUNG_HUGE_PAGES, CONTROL_RUNG_PARTLY, 0,
			  "this kernel's are larger than 2 MiB: for blocks above 1 MiB only");
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

/* Once a second, when it is awake: what goes on around the program. */
static void look_around(void)
{
	static uint64_t looked_ns;
	uint64_t now_ns = process_now_ns();

	if (now_ns < looked_ns + NS_PER_SECOND)
		return;
	looked_ns = now_ns;
	/* Its end makes a call or two for us, which such a filter might kill for. */
	helper_life_note_filter(is_unasked || program_has_new_filter());
	if (helper_life_is_filtered())
		atomic_store_explicit(&wait_count_is_on, false, memory_order_relaxed);
	if (program_has_moved() || task_limit_is_near())
		helper_life_tell_to_go();
}

/*
 * On one processor whatever is populated ahead takes it from the program, which then waits
 * longer than its own page faults would have taken.
 */
static void begin_populating(int table_error)
{
	unsigned processors = helper_life_is_filtered() ? 1 : thread_run_where(program_id());

	populate_ahead_begin(processors > 1 || options.helpers == HELPERS_ALWAYS, table_error);
}

/* A program may do with few descriptors; ours are not its own. */
static void allow_descriptors(void)
{
	struct rlimit limit;

	if (system_call(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &limit) ||
	    limit.rlim_cur >= DESCRIPTORS_LEAST)
		return;
	limit.rlim_cur = min_size(limit.rlim_max, DESCRIPTORS_LEAST);
	system_call(SYS_prlimit64, 0, RLIMIT_NOFILE, &limit, NULL);
}

/* Nothing of ours is the program's any more: its process group, folder, signals, rights. */
static int leave_program(void)
{
	int error;

	thread_name("hakmem-helper");
	clock_seal();
	node_has_no_area();
	vm_count_as_helper();
	if (!TASK_IS_THREAD) {
		system_call(SYS_setsid);
		system_call(SYS_chdir, "/");
	}
	system_call(SYS_prctl, PR_SET_TIMERSLACK, SLACK_NS, 0ul, 0ul, 0ul);
	allow_descriptors();
	error = descriptor_table_separate(options.on_stray_access == ON_STRAY_ABORT,
					  helper_life_has_copies());
	if (options.on_stray_access != ON_STRAY_ABORT)
		log_divert(thread_identity(), &helper_link.wanted);
	thread_leave_real_time();
	if (!helper_life_is_filtered())
		thread_take_short_turns(TURN_NS);
	return error;
}

/* Of a predecessor in this process, that may have been killed at any moment. */
static void helper_take_over(void)
{
	populate_ahead_take_over();
	release_behind_take_over();
	control_forget();
}

/* Without madvise(2) there is nothing to do but to tell why. */
static NORETURN void answer_only(int error)
{
	helper_mode_refuse("MADV_WIPEONFORK is refused, or madvise(2) altogether", error);
	confine_finish();
	while (program_is_there() && !helper_life_should_go())
		thread_nap(LOOK_NS);
	task_end();
}

/* What shares a hardened program's memory can do nothing else, or is not there. */
static void confine(void)
{
	confine_error = confine_begin();
	if (!confine_error || !options.hardened)
		return;
	helper_mode_refuse(UNCONFINED, confine_error);
	task_end();
}

static void helper_begin(struct event_loop *loop, struct pressure *pressure)
{
	int wipe_error = helper_life_begin(), table_error = leave_program();

	is_unasked = helper_life_is_filtered();
	keeps_descriptors = !table_error && !is_unasked;
	program_open();
	if (!task_limit_open()) {
		helper_mode_say_why_none(
			"a limit of tasks (RLIMIT_NPROC, pids.max) leaves the program little room",
			0);
		task_end();
	}
	confine();
	if (had_one)
		helper_take_over();
	had_one = true;
	control_start(helper_life_is_filtered(), !table_error);
	if (wipe_error)
		answer_only(wipe_error);
	helper_life_note_ready();
	begin_populating(table_error);
	/* Threads run ahead already: the first superslabs come before anything else. */
	populate_ahead_tick(process_now_ns(), strays_report);
	release_behind_begin(keeps_descriptors);
	reclaim_begin();
	page_count_open();
	if (keeps_descriptors)
		pressure_open(pressure);
	event_loop_open(loop, &helper_life_doorbell, keeps_descriptors);
	if (populate_ahead_descriptor() >= 0)
		event_loop_watch(loop, populate_ahead_descriptor());
	note_rungs(loop);
	helper_mode_note_work();
	atomic_store_explicit(&wait_count_is_on,
			      !helper_life_is_filtered() &&
				      !system_call_is_withheld(SYS_clock_gettime),
			      memory_order_relaxed);
	confine_finish();
}

static uint64_t work(struct pressure *pressure)
{
	uint64_t sleep_ns = populate(pressure);
	uint64_t reclaim_ns = reclaim_tick();
	uint64_t release_ns = release_behind_tick(urgency(pressure));
	uint64_t survey_ns = placement_tick(process_now_ns());
	uint64_t purge_ns = control_purge_tick();

	snapshot_refresh(process_now_ns());
	look_around();
	if (page_count_go_on())
		return 0;
	sleep_ns = min_size(min_size(sleep_ns, survey_ns), min_size(reclaim_ns, release_ns));
	return min_size(min_size(sleep_ns, purge_ns), LOOK_NS);
}

static void helper_run(void *argument)
{
	struct pressure pressure;
	struct event_loop loop;

	(void)argument;
	helper_begin(&loop, &pressure);
	while (program_is_there() && !helper_life_should_go()) {
		uint64_t sleep_ns = work(&pressure);

		if (sleep_ns)
			sleep_and_note(&loop, sleep_ns);
		helper_mode_note_wakeup();
	}
	task_end();
}

void helper_start(void)
{
	log_print_diverted();
	helper_life_start(helper_run);
}

void helper_init(void)
{
	if (options.helpers == HELPERS_NEVER) {
		rungs_set(RUNG_HELPER, CONTROL_RUNG_UNWANTED, 0, "helpers:never");
		return;
	}
	atomic_store_explicit(&helper_link.may_start, true, memory_order_relaxed);
	if (options.helpers == HELPERS_ALWAYS || control_wants_helper())
		atomic_store_explicit(&helper_link.wanted, true, memory_order_relaxed);
}

void helper_after_fork_in_child(void)
{
	program_forget();
	had_one = false;
	helper_life_forget();
	atomic_store_explicit(&wait_count_is_on, false, memory_order_relaxed);
	populate_ahead_forget();
	release_behind_forget();
	control_forget();
	if (options.helpers == HELPERS_ALWAYS || control_wants_helper())
		atomic_store_explicit(&helper_link.wanted, true, memory_order_relaxed);
}

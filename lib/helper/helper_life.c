/* SPDX-License-Identifier: MIT */
/*
 * helper_life.c - see helper_life.h.
 *
 *   none ─ wanted ─► started ─► working ─► gone: the program ended or called exec, it was
 *     ▲                 │ no room for tasks  │   killed, the number of tasks came near its limit
 *     └─────────────────┴────────────────────┘   the next that wants one starts another
 */
#include <config.h>

#include "helper/helper_life.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>

#include "back/helper_link.h"
#include "control/control.h"
#include "upkeep/helper_mode.h"
#include "upkeep/rungs.h"
#include "front/lease.h"
#include "front/thread_cache.h"
#include "os/kernel_version.h"
#include "os/node.h"
#include "os/program.h"
#include "sandbox/sandbox.h"
#include "os/task.h"
#include "os/task_limit.h"
#include "support/filter_state.h"
#include "support/log.h"
#include "support/options.h"
#include "support/system_call.h"

#define END_WAIT_NS	200000000ull
#define SHOWS_CHILDREN	0x040c00u	/* 4.12: /proc/PID/ns/pid_for_children */

static const char why_init[] = "its next child will begin a PID namespace";

static struct task_room room;			/* by who has taken is_starting */
static _Atomic bool is_starting;		/* acquire, release: one thread starts it */
static _Atomic bool is_ready;			/* release by the helper; acquire by all */
static _Atomic bool should_go;			/* relaxed: with a ring of the doorbell */
static _Atomic bool filtered;			/* relaxed: seccomp, when it started or since */
static _Atomic unsigned coming;			/* relaxed: threads that are setting a filter */
static bool is_under_valgrind;			/* by the constructor, then only read */
static pid_t started;				/* and not reaped; by who has taken is_starting */
static bool was_sent_away;			/* for a call that may fail; by the same */

struct event_doorbell helper_life_doorbell;

bool helper_life_is_filtered(void)
{
	return atomic_load_explicit(&filtered, memory_order_relaxed) ||
	       atomic_load_explicit(&coming, memory_order_relaxed);
}

void helper_life_begin_filter(void)
{
	atomic_fetch_add_explicit(&coming, 1, memory_order_relaxed);
}

void helper_life_end_filter(void)
{
	atomic_fetch_sub_explicit(&coming, 1, memory_order_relaxed);
}

void helper_life_note_filter(bool is_there)
{
	atomic_store_explicit(&filtered, is_there, memory_order_relaxed);
}

bool helper_life_should_go(void)
{
	return atomic_load_explicit(&should_go, memory_order_relaxed);
}

void helper_life_tell_to_go(void)
{
	atomic_store_explicit(&should_go, true, memory_order_relaxed);
}

void helper_life_note_ready(void)
{
	/* release: pairs with the acquire in helper_life_is_running */
	atomic_store_explicit(&is_ready, true, memory_order_release);
}

int helper_life_begin(void)
{
	task_guard_stack(&room);
	return room.wipe_error;
}

/* In a child made by a raw clone(2), which runs no fork handlers, the room is wiped: none runs. */
bool helper_life_is_running(void)
{
	/* acquire: pairs with the release in helper_life_note_ready */
	return atomic_load_explicit(&is_ready, memory_order_acquire) && task_is_alive(&room);
}

void helper_life_wake(void)
{
	event_loop_ring(&helper_life_doorbell);
}

bool helper_life_has_copies(void)
{
	return sandbox_wants_copies();
}

static bool is_own_process(void)
{
	return program_is_this(sandbox_asker());
}

/*
 * Or a task that only asks the filter. By openat(2), which the loader has called, too: it is
 * refused for a namespace that nobody is in.
 */
static bool next_child_is_init(void)
{
	long own = system_call(SYS_openat, AT_FDCWD, "/proc/self/ns/pid", O_RDONLY | O_CLOEXEC, 0);
	long of_children = system_call(SYS_openat, AT_FDCWD, "/proc/self/ns/pid_for_children",
				       O_RDONLY | O_CLOEXEC, 0);

	if (own >= 0)
		system_call(SYS_close, (int)own);
	if (of_children >= 0)
		system_call(SYS_close, (int)of_children);
	/* Before 4.12 there is no such file. */
	return own >= 0 && of_children < 0 && kernel_version() >= SHOWS_CHILDREN;
}

/*
 * The first child in another PID namespace is its init; that is for the program to choose. Before
 * there is a child the kernel shows no such namespace (pid_namespaces(7)).
 */
static bool makes_children_elsewhere(void)
{
	struct stat own, of_children;

	if (system_call(SYS_newfstatat, AT_FDCWD, "/proc/self/ns/pid", &own, 0))
		return false;
	return system_call(SYS_newfstatat, AT_FDCWD, "/proc/self/ns/pid_for_children", &of_children,
			   0) ||
	       own.st_ino != of_children.st_ino;
}

/* What its code reads by the thread pointer. */
static struct task_tls its_tls(void)
{
	struct task_tls tls = { 0, 0 };

	task_tls_cover(&tls, &errno, sizeof(errno));
	task_tls_cover(&tls, &thread_cache_tls, sizeof(thread_cache_tls));
	node_cover_tls(&tls);
	return tls;
}

/*
 * Of one that has ended: else it would be a zombie. Its words are clear, so its last thread ends in
 * this very moment. __WCLONE: never a child of the program's own, which has an exit signal
 * (wait(2)).
 */
static void helper_life_reap(void)
{
	if (started)
		system_call(SYS_wait4, started, NULL, __WCLONE, NULL);
	started = 0;
}

static void start_task(void (*run)(void *argument))
{
	struct task_tls tls = its_tls();
	int error = task_map(&room, &tls);

	if (!error)
		error = control_map(&tls);
	if (error) {
		helper_mode_say_why_none("no memory for its stack", error);
		return;
	}
	helper_life_reap();
	system_call_exempt_nobody();
	system_call_exempt(room.mapping, room.bytes);
	control_exempt();
	program_note_starter();
	atomic_store_explicit(&is_ready, false, memory_order_relaxed);
	atomic_store_explicit(&should_go, false, memory_order_relaxed);
	error = helper_life_has_copies() ? task_start_apart(&room, run, NULL) :
					   task_start(&room, run, NULL);
	if (error < 0)
		helper_mode_say_why_none(
			"its task could not be started (a limit of tasks, or a sandbox)", error);
	else
		started = error;
}

/*
 * A filter that was there before is asked; what one that the program has set kills for is known.
 * NULL: there is none, or it lets enough through.
 */
static const char *obstacle_by_filter(void)
{
	if (helper_life_is_filtered())
		return "a seccomp filter is in force of which nothing is known (helpers:always overrides)";
	if (!sandbox_was_asked()) {
		if (!program_has_sandboxed_itself() && !filter_state_is_on())
			return NULL;
		if (next_child_is_init())
			return why_init;
		system_call_exempt_nobody();
		if (!sandbox_ask()) {
			helper_life_note_filter(true);
			return "the seccomp filter lets no task be started, to ask it (helpers:always overrides)";
		}
	}
	return sandbox_obstacle();
}

/* False: it was told why. */
static bool filter_allows(void)
{
	const char *obstacle;

	/* Whatever the options say. */
	if (sandbox_is_sealed()) {
		helper_mode_refuse("the program's seccomp filter kills for mapping memory", 0);
		return false;
	}
	obstacle = obstacle_by_filter();
	/* The same, but of this moment only. */
	if (obstacle == why_init) {
		helper_mode_say_why_none(obstacle, 0);
		return false;
	}
	rungs_note_filter(helper_life_is_filtered() ? obstacle : NULL);
	if (!obstacle || options.helpers != HELPERS_AUTO)
		return true;
	helper_mode_refuse(obstacle, 0);
	return false;
}

/* Valgrind preloads a part of itself, whatever its tool is. */
void helper_life_init(char **environment)
{
	for (; environment && *environment; environment++)
		if (strncmp(*environment, "LD_PRELOAD=", 11) == 0 &&
		    strstr(*environment, "/vgpreload_"))
			is_under_valgrind = true;
}

/* False: another thread starts it in this moment, or is sending it away. */
static bool take_hold(void)
{
	/* acquire: pairs with the release in let_go */
	return !atomic_exchange_explicit(&is_starting, true, memory_order_acquire);
}

static void let_go(void)
{
	atomic_store_explicit(&is_starting, false, memory_order_release);
}

/* With is_starting taken. */
static void start_if_allowed(void (*run)(void *argument))
{
	if (task_is_alive(&room) || control_is_running()) {
		/* On its way out: whoever refills next asks again. */
		if (helper_life_should_go())
			helper_link_ask();
		return;
	}
	/* It ends a program that makes such a task. */
	if (is_under_valgrind) {
		helper_mode_say_why_none("Valgrind runs no task beside the program", 0);
		return;
	}
	/* Asked first: a filter might kill for the getpid of is_own_process. */
	if (!filter_allows() || !is_own_process())
		return;
	if (!task_limit_is_ample())
		helper_mode_say_why_none("RLIMIT_NPROC leaves the program little room", 0);
	else if (makes_children_elsewhere())
		helper_mode_say_why_none(why_init, 0);
	else
		start_task(run);
}

void helper_life_start(void (*run)(void *argument))
{
	log_print_diverted();
	if (options.helpers == HELPERS_NEVER || !helper_link_is_there() || !lease_has_heap())
		return;
	/* One thread starts it; the others go on. */
	if (!take_hold())
		return;
	start_if_allowed(run);
	let_go();
}

void helper_life_forget(void)
{
	started = 0;
	atomic_store_explicit(&coming, 0, memory_order_relaxed);
	task_forget(&room);
	atomic_store_explicit(&helper_life_doorbell.sleeps_long, false, memory_order_relaxed);
	atomic_store_explicit(&is_starting, false, memory_order_relaxed);
	atomic_store_explicit(&is_ready, false, memory_order_relaxed);
}

/*
 * It was stopped, or finds no processor. What it has in hand is found again, as after any killing,
 * but a lock that it held would be held for ever: it is killed while it has none. False: it has
 * one, or has not gone yet, or is a thread of the program (under a sanitizer).
 */
static bool kill_outside_locks(void)
{
	bool has_gone;
	uint32_t taken;

	if (TASK_IS_THREAD || started <= 0 || !lock_take_all(&taken))
		return false;
	has_gone = !system_call(SYS_kill, started, SIGKILL) && task_wait(&room, END_WAIT_NS);
	lock_put_all(taken);
	return has_gone;
}

/* False: it is still there after a while. */
static bool send_away(void)
{
	bool has_gone;

	helper_life_tell_to_go();
	event_loop_ring_always(&helper_life_doorbell);
	has_gone = task_wait(&room, END_WAIT_NS) || kill_outside_locks();
	if (has_gone)
		helper_life_reap();
	return has_gone;
}

bool helper_life_step_aside(void)
{
	bool has_gone;

	if (!task_is_alive(&room) || helper_life_is_filtered() || !is_own_process() || !take_hold())
		return false;
	has_gone = send_away();
	let_go();
	return has_gone;
}

void helper_life_make_way_for_wait(int wait_options)
{
	if (!(wait_options & (__WALL | __WCLONE)) || !helper_life_is_running())
		return;
	helper_mode_refuse("the program waits for every kind of child (__WALL, __WCLONE)", 0);
	helper_life_step_aside();
}

void helper_life_end_at_once(void)
{
	/* In the middle of anything: it is not waited for who has hold. */
	if (!task_is_alive(&room) || helper_life_is_filtered() || !is_own_process() || !take_hold())
		return;
	helper_link_refuse();
	control_end();
	send_away();
	let_go();
}

/* Where the process is not known by its id, there never was one. */
bool helper_life_hold_back(void)
{
	if ((!task_is_alive(&room) && !program_id()) || helper_life_is_filtered() ||
	    !is_own_process() || !take_hold())
		return false;
	was_sent_away = task_is_alive(&room);
	if (was_sent_away) {
		control_end();
		send_away();
	}
	return true;
}

void helper_life_let_come(bool is_held)
{
	bool is_wanted;

	if (!is_held)
		return;
	is_wanted = was_sent_away;
	let_go();
	if (is_wanted)
		helper_link_ask();
}

/*
 * It goes before the program does: who waits for the program finds its memory given back, its file
 * free to be written to, and no process left. Not where a filter might kill for the asking.
 */
void helper_life_end(void)
{
	log_print_diverted();
	helper_link_refuse();
	/* Of a vfork's child too, which has its parent's memory. */
	if (!helper_life_is_running() || helper_life_is_filtered() || !is_own_process())
		return;
	control_end();
	send_away();
}

/* SPDX-License-Identifier: MIT */
/*
 * sandbox.c - see sandbox.h.
 *
 *   who asks ──► keeper ──► trier: call after call
 *      ▲ waits     │ ▲ killed, or no answer: another goes on behind it │
 *      └───────────┘ └─────────────────────────────────────────────────┘
 *
 * The keeper makes no call that a trier has not tried, but for the starting of triers.
 */
#include <config.h>

#include "sandbox/sandbox.h"

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "sandbox/sandbox_calls.h"
#include "sandbox/sandbox_copy.h"
#include "sandbox/sandbox_first.h"
#include "sandbox/sandbox_verdict.h"
#include "os/task.h"
#include "support/log.h"
#include "support/system_call.h"

#define LOSSES_MOST	32		/* triers; a sandbox so narrow wants no helper at its best */
#define SILENT_MOST	4
#define PATIENCE_NS	1000000000ull	/* a supervisor that has not answered by then never will */
#define SPIN_NS		20000000ull	/* while nothing is known by which to wait */
#define LOOK_NS		200000l
#define TURNS		4000		/* of an empty loop, which take a microsecond or two */
#define TURNS_NS	1000

/* What came of a call: one of these, or NO_ERROR + the error. */
enum { NOT_TRIED, KILLED, SILENT, NO_ERROR };

/* Shared by the three tasks. */
struct findings {
	struct sandbox_places places;
	_Atomic uint32_t at;		/* the row that is being tried; release: what came before is there */
	/* The keeper's: the trier, which of the two, and another that could not be ended yet. */
	pid_t trier, left_over;
	unsigned which;
	_Atomic bool is_complete;
	_Atomic pid_t asker;
	_Atomic uint16_t of_row[SANDBOX_CALLS_MOST];
};

static bool was_asked;
static pid_t asker;
static uint16_t findings_of_row[SANDBOX_CALLS_MOST];

static unsigned finding(const struct findings *findings, unsigned row)
{
	return atomic_load_explicit(&findings->of_row[row], memory_order_relaxed);
}

static void note(struct findings *findings, unsigned row, unsigned what)
{
	atomic_store_explicit(&findings->of_row[row], (uint16_t)what, memory_order_relaxed);
}

/* It may be called, and is not refused by its number. */
static bool works(unsigned what)
{
	return what >= NO_ERROR && what != NO_ERROR + EPERM && what != NO_ERROR + ENOSYS &&
	       what != NO_ERROR + EACCES;
}

static bool row_works(const struct findings *findings, unsigned row)
{
	return works(finding(findings, row));
}

/* ---- the trier */

static void end_at_once(void *nothing)
{
	(void)nothing;
	task_end();
}

static void return_at_once(void *nothing)
{
	(void)nothing;
}

/* In earnest, since nothing else looks the same: a task that ends, and a thread. */
static long try_clone(struct findings *findings, bool is_thread)
{
	struct task_room room = sandbox_copy_room(&findings->places);
	long id = is_thread ? task_start_thread(&room, return_at_once, NULL) :
			      task_start(&room, end_at_once, NULL);

	if (id < 0)
		return id;
	task_wait(&room, PATIENCE_NS);
	if (!is_thread && row_works(findings, SANDBOX_WAIT))
		system_call(SYS_wait4, (pid_t)id, NULL, __WALL, NULL);
	return 0;
}

/* By clone3, where there is no other way. */
static bool is_needless(const struct findings *findings, unsigned row)
{
	if (row == SANDBOX_TASK || row == SANDBOX_THREAD)
		return !row_works(findings, SANDBOX_FUTEX_WAIT);
	if (row == SANDBOX_TASK_BY_CLONE3 || row == SANDBOX_THREAD_BY_CLONE3)
		return !row_works(findings, SANDBOX_FUTEX_WAIT) ||
		       row_works(findings, row - SANDBOX_TASK_BY_CLONE3 + SANDBOX_TASK);
	return false;
}

static long try_call(struct findings *findings, unsigned row)
{
	const struct sandbox_call *call = &sandbox_calls[row];
	const long *argument = call->argument;

	if (row == SANDBOX_TASK || row == SANDBOX_TASK_BY_CLONE3)
		return try_clone(findings, false);
	if (row == SANDBOX_THREAD || row == SANDBOX_THREAD_BY_CLONE3)
		return try_clone(findings, true);
	return system_call(call->number, argument[0], argument[1], argument[2], argument[3],
			   argument[4], argument[5]);
}

/* What is not known to be harmless, of the rows before this one. */
static void withhold(const struct findings *findings, unsigned before)
{
	unsigned row;

	for (row = 0; row < before; row++) {
		const struct sandbox_call *call = &sandbox_calls[row];

		if (finding(findings, row) < NO_ERROR)
			system_call_withhold(call->number, call->place,
					     call->place < 0 ? 0 : (uint32_t)call->argument[call->place],
				     false);
	}
}

/* Its death leaves no core, and no signal reaches it. */
static void prepare(struct findings *findings)
{
	if (row_works(findings, SANDBOX_BLOCK_SIGNALS))
		try_call(findings, SANDBOX_BLOCK_SIGNALS);
	sandbox_copy_leave_no_core();
}

/* False: it has been given up, and another goes on. */
static bool go_on(struct findings *findings, uint32_t row)
{
	/* release: what came of it is there */
	return atomic_compare_exchange_strong_explicit(&findings->at, &row, row + 1,
						       memory_order_release, memory_order_relaxed);
}

static void try_calls(void *argument)
{
	struct findings *findings = argument;
	uint32_t row = atomic_load_explicit(&findings->at, memory_order_acquire);

	withhold(findings, row);
	prepare(findings);
	for (; row < sandbox_calls_count; row++) {
		if (finding(findings, row) == NOT_TRIED) {
			long result = is_needless(findings, row) ? 0 : try_call(findings, row);

			note(findings, row,
			     NO_ERROR + (system_call_failed(result) ? (unsigned)-result : 0));
		}
		if (!go_on(findings, row))
			break;
	}
	task_end();
}

/* ---- the keeper */

static bool may_sleep(const struct findings *findings)
{
	return row_works(findings, SANDBOX_FUTEX_WAIT) || row_works(findings, SANDBOX_NAP);
}

/* How long that took, at the least: by no clock, since there may be none without a call. */
static uint64_t pause_at(struct findings *findings, uint32_t row)
{
	struct timespec time = { 0, LOOK_NS };
	unsigned turn;

	if (row_works(findings, SANDBOX_FUTEX_WAIT))
		system_call(SYS_futex, &findings->at, FUTEX_WAIT, row, &time, NULL, 0);
	else if (row_works(findings, SANDBOX_NAP))
		system_call(SYS_nanosleep, &time, NULL);
	if (may_sleep(findings))
		return LOOK_NS;
	for (turn = 0; turn < TURNS; turn++)
		__asm__ volatile("" ::: "memory");
	return TURNS_NS;
}

static bool has_ended(const struct findings *findings)
{
	if (sandbox_copy_has_ended(&findings->places, findings->which))
		return true;
	return findings->places.is_apart && row_works(findings, SANDBOX_WAIT) &&
	       system_call(SYS_wait4, findings->trier, NULL, __WALL | WNOHANG, NULL) ==
		       findings->trier;
}

/* False: with what, is not known. */
static bool end_task(const struct findings *findings, pid_t task)
{
	if (row_works(findings, SANDBOX_KILL))
		return !system_call(SYS_kill, task, SIGKILL);
	return row_works(findings, SANDBOX_KILL_THREAD) &&
	       !system_call(SYS_tgkill, task, task, SIGKILL);
}

/* Who does not answer to a call does not to the same with other arguments: that saves a second each. */
static void note_lost(struct findings *findings, unsigned row, unsigned what)
{
	uint16_t number = sandbox_calls[row].number;

	note(findings, row, what);
	for (row++; what == SILENT && row < sandbox_calls_count; row++)
		if (sandbox_calls[row].number == number)
			note(findings, row, SILENT);
}

/* Until it has tried all (NO_ERROR), or is lost at a call, which is skipped. */
static unsigned watch(struct findings *findings)
{
	bool sees_end = !findings->places.is_apart;
	uint64_t waited_ns = 0;
	uint32_t seen = atomic_load_explicit(&findings->at, memory_order_acquire), row;
	unsigned what = NO_ERROR;

	for (; what == NO_ERROR; waited_ns += pause_at(findings, row)) {
		bool is_dead = has_ended(findings);

		row = atomic_load_explicit(&findings->at, memory_order_acquire);
		if (row == sandbox_calls_count && (is_dead || !sees_end))
			return NO_ERROR;
		waited_ns = row == seen ? waited_ns : 0;
		seen = row;
		if (is_dead)
			what = KILLED;
		else if (waited_ns > (may_sleep(findings) ? PATIENCE_NS : SPIN_NS))
			what = SILENT;
	}
	/* It may have come, late. */
	if (row < sandbox_calls_count && go_on(findings, row))
		note_lost(findings, row, what);
	return what;
}

static void reap(const struct findings *findings, pid_t task)
{
	if (row_works(findings, SANDBOX_WAIT))
		system_call(SYS_wait4, task, NULL, __WALL, NULL);
}

/* The trier does not answer. False: another may not be had. */
static bool leave_trier(struct findings *findings)
{
	uint64_t waited_ns;

	if (end_task(findings, findings->trier)) {
		/* Its end clears a word, which is the next one's then. */
		for (waited_ns = 0; !has_ended(findings) && waited_ns < PATIENCE_NS;)
			waited_ns += pause_at(
				findings,
				atomic_load_explicit(&findings->at, memory_order_relaxed));
		reap(findings, findings->trier);
		return waited_ns < PATIENCE_NS;
	}
	if (findings->left_over)
		return false;
	findings->left_over = findings->trier;
	findings->which = 1;
	return true;
}

static void keep_trying(void *argument)
{
	struct findings *findings = argument;
	unsigned lost = 0, silent = 0;

	while (atomic_load_explicit(&findings->at, memory_order_acquire) < sandbox_calls_count &&
	       lost < LOSSES_MOST && silent < SILENT_MOST) {
		unsigned what;

		findings->trier = (pid_t)sandbox_copy_start_trier(
			&findings->places, findings->which, try_calls, findings);
		if (findings->trier < 0)
			break;
		what = watch(findings);
		if (what != SILENT)
			reap(findings, findings->trier);
		else if (!leave_trier(findings))
			break;
		lost += what == KILLED;
		silent += what == SILENT;
	}
	if (findings->left_over && end_task(findings, findings->left_over))
		reap(findings, findings->left_over);
	if (row_works(findings, SANDBOX_PARENT))
		atomic_store_explicit(&findings->asker, (pid_t)system_call(SYS_getppid),
				      memory_order_relaxed);
	/* release: pairs with the acquire in ask */
	atomic_store_explicit(&findings->is_complete, true, memory_order_release);
	task_end();
}

/* ---- who asks */

/* It waits as after a vfork(2): that is not another call, which might be a fatal one. */
static bool ask(struct findings *findings)
{
	pid_t children[2];
	enum sandbox_first first = sandbox_first_find(&findings->places, children);
	long keeper = -EPERM;

	findings->places.is_unlike_clone3 = first == SANDBOX_FIRST_CLONE;
	if (first != SANDBOX_FIRST_NONE)
		keeper = sandbox_copy_start_keeper(&findings->places, keep_trying, findings);
	if (keeper < 0)
		return false;
	reap(findings, (pid_t)keeper);
	for (unsigned i = 0; i < ARRAY_LENGTH(children); i++)
		if (children[i])
			reap(findings, children[i]);
	return atomic_load_explicit(&findings->is_complete, memory_order_acquire);
}

bool sandbox_ask(void)
{
	long mapped;
	struct findings *findings;
	unsigned row;

	if (was_asked || TASK_IS_THREAD)
		return was_asked;
	mapped = system_call(SYS_mmap, NULL, sizeof(*findings), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0ul);
	if (system_call_failed(mapped))
		return false;
	findings = (struct findings *)mapped;
	/* What the program's own filters are known to kill for. */
	for (row = 0; row < sandbox_calls_count; row++)
		note(findings, row, findings_of_row[row]);
	was_asked = ask(findings);
	asker = atomic_load_explicit(&findings->asker, memory_order_relaxed);
	for (row = 0; row < sandbox_calls_count; row++)
		findings_of_row[row] = (uint16_t)finding(findings, row);
	if (was_asked)
		withhold(findings, sandbox_calls_count);
	system_call(SYS_munmap, findings, sizeof(*findings));
	return was_asked;
}

/* One that only sandbox_first.c makes. */
static void note_own_vfork(const struct sock_fprog *filter)
{
	const long none[6] = { 0 };

	if (!filter || sandbox_verdict_is_fatal(sandbox_verdict_of(filter, SANDBOX_FIRST_VFORK, none)))
		system_call_withhold(SANDBOX_FIRST_VFORK, SYSTEM_CALL_ANY, 0, true);
}

void sandbox_note_own(const struct sock_fprog *filter)
{
	unsigned row;

	note_own_vfork(filter);
	for (row = 0; row < sandbox_calls_count; row++) {
		const struct sandbox_call *call = &sandbox_calls[row];

		if (filter && !sandbox_verdict_is_fatal(sandbox_verdict_of(filter, call->number,
									   call->argument)))
			continue;
		findings_of_row[row] = KILLED;
		system_call_withhold(call->number, call->place,
				     call->place < 0 ? 0 : (uint32_t)call->argument[call->place],
				     true);
	}
}

bool sandbox_was_asked(void)
{
	return was_asked;
}

pid_t sandbox_asker(void)
{
	return asker;
}

const char *sandbox_obstacle(void)
{
	if (!works(findings_of_row[SANDBOX_SLEEP]) || !works(findings_of_row[SANDBOX_RING]) ||
	    !works(findings_of_row[SANDBOX_FUTEX_WAIT]))
		return "the seccomp filter lets no futex(2) through";
	if (!works(findings_of_row[SANDBOX_TASK]) &&
	    !works(findings_of_row[SANDBOX_TASK_BY_CLONE3]))
		return "the seccomp filter lets no task be started (clone(2))";
	return NULL;
}

const char *sandbox_missing(const uint16_t *numbers, unsigned count)
{
	unsigned row, i;

	for (row = 0; was_asked && row < sandbox_calls_count; row++)
		for (i = 0; i < count; i++)
			if (sandbox_calls[row].number == numbers[i] && !works(findings_of_row[row]))
				return sandbox_calls[row].name;
	return NULL;
}

/* Once a name, whatever the arguments were. What was not tried was not needed. */
static void append_names(char *text, size_t bytes, const char *verb, bool is_fatal)
{
	const char *last = "";
	size_t length = strlen(text);
	unsigned row, named = 0;

	for (row = 0; row < sandbox_calls_count; row++) {
		unsigned what = findings_of_row[row];
		const char *name = sandbox_calls[row].name;

		if (works(what) || what == NOT_TRIED || (what < NO_ERROR) != is_fatal ||
		    strcmp(name, last) == 0)
			continue;
		last = name;
		log_format_text(text + length, bytes - length, "%s%s%s",
				named ? ", " : length ? "; " : "", named ? "" : verb, name);
		length = strlen(text);
		named++;
	}
}

void sandbox_describe(char *text, size_t bytes)
{
	text[0] = '\0';
	if (!was_asked)
		return;
	append_names(text, bytes, "no answer but the end to ", true);
	append_names(text, bytes, "refused: ", false);
}

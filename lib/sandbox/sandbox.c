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

#include "os/task.h"
#include "sandbox/sandbox_calls.h"
#include "sandbox/sandbox_copy.h"
#include "sandbox/sandbox_findings.h"
#include "sandbox/sandbox_first.h"
#include "sandbox/sandbox_trier.h"
#include "sandbox/sandbox_verdict.h"
#include "support/log.h"
#include "support/system_call.h"

/* triers; a sandbox so narrow wants no helper at its best */
#define LOSSES_MOST	32
#define SILENT_MOST	4
#define PATIENCE_NS	1000000000ull	/* a supervisor that has not answered by then never will */
#define SPIN_NS		20000000ull	/* while nothing is known by which to wait */
#define LOOK_NS		200000ul	/* how long it sleeps, from .. to */
#define LOOK_MOST_NS	50000000ul
#define TURNS		4000		/* of an empty loop, which take a microsecond or two */
#define TURNS_NS	1000

static bool was_asked;
static _Atomic bool is_sealed;		/* relaxed: nothing else is read because of it */
static pid_t asker;
static uint16_t findings_of_row[SANDBOX_CALLS_MOST];

/* ---- the keeper */

static bool may_sleep(const struct sandbox_findings *findings)
{
	return sandbox_findings_works(findings, SANDBOX_FUTEX_WAIT) ||
	       sandbox_findings_works(findings, SANDBOX_NAP);
}

/* Where the trier has a copy of the memory, its end wakes nobody. */
static void sleep_at(struct sandbox_findings *findings, uint32_t row, long most_ns)
{
	const _Atomic uint32_t *alive = &findings->places.alive[findings->which];
	struct timespec most = { 0, most_ns };

	if (!sandbox_findings_works(findings, SANDBOX_FUTEX_WAIT))
		system_call(SYS_nanosleep, &most, NULL);
	else if (findings->places.is_apart)
		system_call(SYS_futex, &findings->at, FUTEX_WAIT, row, &most, NULL, 0);
	else
		system_call(SYS_futex, alive, FUTEX_WAIT, (uint32_t)findings->trier, &most, NULL,
			    0);
}

/*
 * Longer each time. How long that took, at the least: by no clock, since there may be none without
 * a call.
 */
static uint64_t pause_at(struct sandbox_findings *findings, uint32_t row, uint64_t waited_ns)
{
	long most_ns = (long)min_size(max_size(waited_ns, LOOK_NS), LOOK_MOST_NS);
	unsigned turn;

	if (may_sleep(findings)) {
		sleep_at(findings, row, most_ns);
		return (uint64_t)most_ns;
	}
	for (turn = 0; turn < TURNS; turn++)
		__asm__ volatile("" ::: "memory");
	return TURNS_NS;
}

static bool sandbox_has_ended(const struct sandbox_findings *findings)
{
	if (sandbox_copy_has_ended(&findings->places, findings->which))
		return true;
	return findings->places.is_apart && sandbox_findings_works(findings, SANDBOX_WAIT) &&
	       system_call(SYS_wait4, findings->trier, NULL, __WALL | WNOHANG, NULL) ==
		       findings->trier;
}

/* False: with what, is not known. */
static bool end_task(const struct sandbox_findings *findings, pid_t task)
{
	if (sandbox_findings_works(findings, SANDBOX_KILL))
		return !system_call(SYS_kill, task, SIGKILL);
	return sandbox_findings_works(findings, SANDBOX_KILL_THREAD) &&
	       !system_call(SYS_tgkill, task, task, SIGKILL);
}

/*
 * Who does not answer to a call does not to the same with other arguments: that saves a second
 * each.
 */
static void note_lost(struct sandbox_findings *findings, unsigned row, unsigned what)
{
	uint16_t number = sandbox_calls[row].number;

	sandbox_findings_note(findings, row, what);
	for (row++; what == SANDBOX_SILENT && row < sandbox_calls_count; row++)
		if (sandbox_calls[row].number == number)
			sandbox_findings_note(findings, row, SANDBOX_SILENT);
}

/* Until it has tried all (SANDBOX_NO_ERROR), or is lost at a call, which is skipped. */
static unsigned sandbox_watch(struct sandbox_findings *findings)
{
	bool sees_end = !findings->places.is_apart;
	uint64_t waited_ns = 0;
	uint32_t seen = atomic_load_explicit(&findings->at, memory_order_acquire), row;
	unsigned what = SANDBOX_NO_ERROR;

	for (; what == SANDBOX_NO_ERROR; waited_ns += pause_at(findings, row, waited_ns)) {
		bool is_dead = sandbox_has_ended(findings);

		row = atomic_load_explicit(&findings->at, memory_order_acquire);
		if (row == sandbox_calls_count && (is_dead || !sees_end))
			return SANDBOX_NO_ERROR;
		waited_ns = row == seen ? waited_ns : 0;
		seen = row;
		if (is_dead)
			what = SANDBOX_KILLED;
		else if (waited_ns > (may_sleep(findings) ? PATIENCE_NS : SPIN_NS))
			what = SANDBOX_SILENT;
	}
	/* It may have come, late. */
	if (row < sandbox_calls_count && sandbox_findings_go_on(findings, row))
		note_lost(findings, row, what);
	return what;
}

static void sandbox_reap(const struct sandbox_findings *findings, pid_t task)
{
	if (sandbox_findings_works(findings, SANDBOX_WAIT))
		system_call(SYS_wait4, task, NULL, __WALL, NULL);
}

/* The trier does not answer. False: another may not be had. */
static bool leave_trier(struct sandbox_findings *findings)
{
	uint64_t waited_ns;

	if (end_task(findings, findings->trier)) {
		/* Its end clears a word, which is the next one's then. */
		for (waited_ns = 0; !sandbox_has_ended(findings) && waited_ns < PATIENCE_NS;)
			waited_ns += pause_at(
				findings, atomic_load_explicit(&findings->at, memory_order_relaxed),
				waited_ns);
		sandbox_reap(findings, findings->trier);
		return waited_ns < PATIENCE_NS;
	}
	if (findings->left_over)
		return false;
	findings->left_over = findings->trier;
	findings->which = 1;
	return true;
}

/*
 * Else there would be nothing to do but to spin until it is known by which call to wait. Where
 * nothing kills, the first tries all: each may cost a copy of the memory.
 */
static void try_to_sleep(struct sandbox_findings *findings, pid_t triers[SANDBOX_WAIT + 2])
{
	unsigned i;

	for (i = 0; i < SANDBOX_WAIT + 2; i++) {
		uint32_t row;

		atomic_store_explicit(&findings->is_bounded, false, memory_order_relaxed);
		triers[i] = (pid_t)sandbox_copy_run_trier(&findings->places,
							  sandbox_trier_run_first, findings);
		/* acquire: pairs with sandbox_findings_go_on */
		row = atomic_load_explicit(&findings->at, memory_order_acquire);
		if (triers[i] < 0 || row > SANDBOX_WAIT ||
		    !atomic_load_explicit(&findings->is_bounded, memory_order_relaxed))
			return;
		if (sandbox_findings_go_on(findings, row))
			note_lost(findings, row, SANDBOX_KILLED);
	}
}

static void keep_trying(void *argument)
{
	struct sandbox_findings *findings = argument;
	pid_t first[SANDBOX_WAIT + 2] = { 0 };
	unsigned lost = 0, silent = 0, i;

	try_to_sleep(findings, first);
	while (atomic_load_explicit(&findings->at, memory_order_acquire) < sandbox_calls_count &&
	       lost < LOSSES_MOST && silent < SILENT_MOST) {
		unsigned what;

		findings->trier = (pid_t)sandbox_copy_start_trier(
			&findings->places, findings->which, sandbox_trier_run, findings);
		if (findings->trier < 0)
			break;
		what = sandbox_watch(findings);
		if (what != SANDBOX_SILENT)
			sandbox_reap(findings, findings->trier);
		else if (!leave_trier(findings))
			break;
		lost += what == SANDBOX_KILLED;
		silent += what == SANDBOX_SILENT;
	}
	if (findings->left_over && end_task(findings, findings->left_over))
		sandbox_reap(findings, findings->left_over);
	for (i = 0; i < ARRAY_LENGTH(first); i++)
		if (first[i] > 0)
			sandbox_reap(findings, first[i]);
	if (sandbox_findings_works(findings, SANDBOX_PARENT))
		atomic_store_explicit(&findings->asker, (pid_t)system_call(SYS_getppid),
				      memory_order_relaxed);
	/* release: pairs with the acquire in ask */
	atomic_store_explicit(&findings->is_complete, true, memory_order_release);
	task_end();
}

/* ---- who asks */

/* It waits as after a vfork(2): that is not another call, which might be a fatal one. */
static bool ask(struct sandbox_findings *findings)
{
	pid_t children[2];
	enum sandbox_first first = sandbox_first_find(&findings->places, children);
	long keeper = -EPERM;

	findings->places.is_unlike_clone3 = first == SANDBOX_FIRST_CLONE;
	/* Whatever the options say. */
	if (first == SANDBOX_FIRST_NONE) {
		system_call_withhold(SYS_clone, SYSTEM_CALL_ANY, 0, false);
		system_call_withhold(SYS_clone3, SYSTEM_CALL_ANY, 0, false);
	} else {
		keeper = sandbox_copy_start_keeper(&findings->places, keep_trying, findings);
	}
	if (keeper < 0)
		return false;
	sandbox_reap(findings, (pid_t)keeper);
	for (unsigned i = 0; i < ARRAY_LENGTH(children); i++)
		if (children[i])
			sandbox_reap(findings, children[i]);
	return atomic_load_explicit(&findings->is_complete, memory_order_acquire);
}

/* Both calls the loader has made, so that only the program's own filter may kill for them. */
static bool lets_memory_be_mapped(const struct sock_fprog *filter)
{
	const long map[6] = { 0, sizeof(struct sandbox_findings), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0 };
	const long unmap[6] = { 0, sizeof(struct sandbox_findings) };

	return !sandbox_verdict_is_fatal(sandbox_verdict_of(filter, SYS_mmap, map)) &&
	       !sandbox_verdict_is_fatal(sandbox_verdict_of(filter, SYS_munmap, unmap));
}

bool sandbox_is_sealed(void)
{
	return atomic_load_explicit(&is_sealed, memory_order_relaxed);
}

bool sandbox_ask(void)
{
	long mapped;
	struct sandbox_findings *findings;
	unsigned row;

	if (was_asked || TASK_IS_THREAD)
		return was_asked;
	mapped = system_call(SYS_mmap, NULL, sizeof(*findings), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0ul);
	if (system_call_failed(mapped))
		return false;
	findings = (struct sandbox_findings *)mapped;
	/* What the program's own filters are known to kill for. */
	for (row = 0; row < sandbox_calls_count; row++)
		sandbox_findings_note(findings, row, findings_of_row[row]);
	was_asked = ask(findings);
	asker = atomic_load_explicit(&findings->asker, memory_order_relaxed);
	for (row = 0; row < sandbox_calls_count; row++)
		findings_of_row[row] = (uint16_t)sandbox_findings_of(findings, row);
	if (was_asked)
		sandbox_trier_withhold(findings, sandbox_calls_count);
	system_call(SYS_munmap, findings, sizeof(*findings));
	return was_asked;
}

/* One that only sandbox_first.c makes. */
static void note_own_vfork(const struct sock_fprog *filter)
{
	const long none[6] = { 0 };

	if (sandbox_verdict_is_fatal(sandbox_verdict_of(filter, SANDBOX_FIRST_VFORK, none)))
		system_call_withhold(SANDBOX_FIRST_VFORK, SYSTEM_CALL_ANY, 0, true);
}

void sandbox_note_strict(void)
{
	/* A heap that would grow makes do with what it keeps back, or is out of memory. */
	system_call_withhold_all();
	if (!sandbox_first_has_threads())
		atomic_store_explicit(&is_sealed, true, memory_order_relaxed);
}

void sandbox_note_own(const struct sock_fprog *filter)
{
	unsigned row;

	note_own_vfork(filter);
	if (!lets_memory_be_mapped(filter))
		atomic_store_explicit(&is_sealed, true, memory_order_relaxed);
	for (row = 0; row < sandbox_calls_count; row++) {
		const struct sandbox_call *call = &sandbox_calls[row];

		if (!sandbox_verdict_is_fatal(sandbox_verdict_of(filter, call->number,
								 call->argument)))
			continue;
		findings_of_row[row] = SANDBOX_KILLED;
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
	if (!sandbox_findings_is_let(findings_of_row[SANDBOX_SLEEP]) ||
	    !sandbox_findings_is_let(findings_of_row[SANDBOX_RING]) ||
	    !sandbox_findings_is_let(findings_of_row[SANDBOX_FUTEX_WAIT]))
		return "the seccomp filter lets no futex(2) through";
	if (!sandbox_findings_is_let(findings_of_row[SANDBOX_TASK]) &&
	    !sandbox_findings_is_let(findings_of_row[SANDBOX_TASK_BY_CLONE3]))
		return "the seccomp filter lets no task be started (clone(2))";
	return NULL;
}

bool sandbox_wants_copies(void)
{
	return was_asked && !sandbox_findings_is_let(findings_of_row[SANDBOX_CLOSE_RANGE]) &&
	       !sandbox_findings_is_let(findings_of_row[SANDBOX_UNSHARE]) &&
	       sandbox_findings_is_let(findings_of_row[SANDBOX_TASK_APART]);
}

const char *sandbox_missing(const uint16_t *numbers, unsigned count)
{
	unsigned row, i;

	for (row = 0; was_asked && row < sandbox_calls_count; row++)
		for (i = 0; i < count; i++)
			if (sandbox_calls[row].number == numbers[i] &&
			    !sandbox_findings_is_let(findings_of_row[row]))
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

		if (sandbox_findings_is_let(what) || what == SANDBOX_NOT_TRIED ||
		    (what < SANDBOX_NO_ERROR) != is_fatal || strcmp(name, last) == 0)
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

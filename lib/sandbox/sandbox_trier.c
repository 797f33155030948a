/* SPDX-License-Identifier: MIT */
/*
 * sandbox_trier.c - see sandbox_trier.h.
 */
#include <config.h>

#include "sandbox/sandbox_trier.h"

#include <sys/wait.h>

#include "os/task.h"
#include "sandbox/sandbox_findings.h"
#include "support/system_call.h"

#define PATIENCE_NS	1000000000ull	/* a task that has not run by then never will */

static void sandbox_trier_end_at_once(void *nothing)
{
	(void)nothing;
	task_end();
}

static void return_at_once(void *nothing)
{
	(void)nothing;
}

/* In earnest, since nothing else looks the same: a task that ends, and a thread. */
static long try_clone(struct sandbox_findings *findings, unsigned row)
{
	struct task_room room = sandbox_copy_room(&findings->places);
	bool is_thread = row == SANDBOX_THREAD || row == SANDBOX_THREAD_BY_CLONE3;
	long id = is_thread ? task_start_thread(&room, return_at_once, NULL) :
		  row == SANDBOX_TASK_APART ?
			      task_start_apart(&room, sandbox_trier_end_at_once, NULL) :
			      task_start(&room, sandbox_trier_end_at_once, NULL);

	if (id < 0)
		return id;
	task_wait(&room, PATIENCE_NS);
	if (!is_thread && sandbox_findings_works(findings, SANDBOX_WAIT))
		system_call(SYS_wait4, (pid_t)id, NULL, __WALL, NULL);
	return 0;
}

/* By clone3, where there is no other way. */
static bool is_needless(const struct sandbox_findings *findings, unsigned row)
{
	if (row == SANDBOX_TASK || row == SANDBOX_THREAD)
		return !sandbox_findings_works(findings, SANDBOX_FUTEX_WAIT);
	if (row == SANDBOX_TASK_BY_CLONE3 || row == SANDBOX_THREAD_BY_CLONE3)
		return !sandbox_findings_works(findings, SANDBOX_FUTEX_WAIT) ||
		       sandbox_findings_works(findings,
					      row - SANDBOX_TASK_BY_CLONE3 + SANDBOX_TASK);
	if (row == SANDBOX_TASK_APART)
		return !sandbox_findings_works(findings, SANDBOX_FUTEX_WAIT) ||
		       sandbox_findings_works(findings, SANDBOX_CLOSE_RANGE) ||
		       sandbox_findings_works(findings, SANDBOX_UNSHARE);
	return false;
}

static long try_call(struct sandbox_findings *findings, unsigned row)
{
	const struct sandbox_call *call = &sandbox_calls[row];
	const long *argument = call->argument;

	if (row >= SANDBOX_TASK && row <= SANDBOX_TASK_APART)
		return try_clone(findings, row);
	return system_call(call->number, argument[0], argument[1], argument[2], argument[3],
			   argument[4], argument[5]);
}

void sandbox_trier_withhold(const struct sandbox_findings *findings, unsigned before)
{
	unsigned row;

	for (row = 0; row < before; row++) {
		const struct sandbox_call *call = &sandbox_calls[row];

		if (sandbox_findings_of(findings, row) < SANDBOX_NO_ERROR)
			system_call_withhold(
				call->number, call->place,
				call->place < 0 ? 0 : (uint32_t)call->argument[call->place], false);
	}
}

/* Its death leaves no core, and no signal reaches it. */
static void sandbox_trier_prepare(struct sandbox_findings *findings)
{
	if (sandbox_findings_works(findings, SANDBOX_BLOCK_SIGNALS))
		try_call(findings, SANDBOX_BLOCK_SIGNALS);
	sandbox_copy_leave_no_core();
}

static NORETURN void try_rows(struct sandbox_findings *findings)
{
	uint32_t row = atomic_load_explicit(&findings->at, memory_order_acquire);

	sandbox_trier_withhold(findings, row);
	sandbox_trier_prepare(findings);
	for (; row < sandbox_calls_count; row++) {
		if (sandbox_findings_of(findings, row) == SANDBOX_NOT_TRIED) {
			long result = is_needless(findings, row) ? 0 : try_call(findings, row);

			sandbox_findings_note(findings, row,
					      SANDBOX_NO_ERROR + (system_call_failed(result) ?
									  (unsigned)-result :
									  0));
		}
		if (!sandbox_findings_go_on(findings, row))
			break;
	}
	task_end();
}

void sandbox_trier_run(void *findings)
{
	try_rows(findings);
}

void sandbox_trier_run_first(void *argument)
{
	struct sandbox_findings *findings = argument;

	if (!sandbox_copy_bound_time())
		task_end();
	atomic_store_explicit(&findings->is_bounded, true, memory_order_relaxed);
	try_rows(findings);
}

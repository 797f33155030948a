/* SPDX-License-Identifier: MIT */
/*
 * sandbox_first.c - see sandbox_first.h. The child tries with arguments that start nothing. It is
 * one that the program does not see: of a single thread, which waits in vfork(2) until it has
 * ended, and neither handles nor blocks SIGCHLD.
 */
#include <config.h>

#include "sandbox/sandbox_first.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "os/fork_state.h"
#include "os/kernel_abi.h"
#include "os/kernel_version.h"
#include "os/task.h"
#include "os/task_clone.h"
#include "sandbox/sandbox_copy.h"
#include "support/compiler.h"
#include "support/kernel_file.h"
#include "support/number.h"
#include "support/system_call.h"

#define STATUS_BYTES	4096
#define CLEARS_HANDLERS	0x050500u	/* 5.5: CLONE_CLEAR_SIGHAND */
/* 5.16: before, who is killed takes along who has the same memory */
#define DUMPS_ALONE	0x051000u
#define CLONES_BY_3	34		/* glibc 2.34: threads come by clone3 */
#define SIGNAL_BYTES	8ul		/* the kernel's sigset_t */
#define BIT(signal)	(1ull << ((signal) - 1))
/* Before 5.2 CLONE_PIDFD is not known; both together are refused behind the filter. */
#define NOTHING_FLAGS (CLONE_VM | CLONE_UNTRACED | CLONE_VFORK | CLONE_PIDFD | CLONE_PARENT_SETTID)

/* The child gives each a result, unless it is lost there. */
enum step { BY_CLONE3, BLOCK, BY_CLONE, STEPS };

/* Shared: the child writes, and whoever waits for it reads. */
struct trial {
	bool resets_traps;
	bool is_bounded;		/* else nothing was tried */
	unsigned at;			/* the step that is being tried, or STEPS */
	long result[STEPS];
};

/* glibc 2.32; true while there has been one thread only. */
extern char __libc_single_threaded __attribute__((weak));
extern const char *gnu_get_libc_version(void) __attribute__((weak));

bool sandbox_first_has_threads(void)
{
	return &__libc_single_threaded && !__libc_single_threaded;
}

static bool threads_come_by_clone3(void)
{
	const char *version = gnu_get_libc_version ? gnu_get_libc_version() : "";

	return strncmp(version, "2.", 2) == 0 && number_read(version + 2, NULL) >= CLONES_BY_3;
}

/* A set of signals as the kernel writes it: sixteen digits. All, if it is not told. */
static uint64_t signals_in(const char *status, const char *name)
{
	const char *digit = strstr(status, name);
	uint64_t set = 0;

	if (!digit)
		return ~0ull;
	for (digit += strlen(name); *digit != '\n' && *digit; digit++)
		set = set << 4 | (uint64_t)(*digit > '9' ? *digit - 'a' + 10 : *digit - '0');
	return set;
}

static bool read_status(char status[STATUS_BYTES])
{
	return kernel_file_read("/proc/thread-self/status", status, STATUS_BYTES) > 0;
}

/* ---- the child */

/* The program's handler would run here, on its data. It has set one, so this is let through. */
static void reset_traps(void)
{
	static const uint64_t by_default[4];

	system_call(SYS_rt_sigaction, SIGSYS, by_default, NULL, SIGNAL_BYTES);
}

static long try_step(unsigned step)
{
	if (step == BY_CLONE3)
		return system_call(SYS_clone3, NULL, 0ul);
	if (step == BLOCK)
		return system_call(SYS_rt_sigprocmask, SIG_BLOCK, NULL, NULL, SIGNAL_BYTES);
	return system_call(SYS_clone, (unsigned long)NOTHING_FLAGS, NULL, NULL, 0ul, NULL);
}

static bool is_refused(long result)
{
	return result == -ENOSYS || result == -EPERM;
}

static void try_steps(void *argument)
{
	struct trial *trial = argument;

	if (trial->resets_traps)
		reset_traps();
	/* A supervisor who never answers would keep it, and the program, for ever. */
	trial->is_bounded = sandbox_copy_bound_time();
	while (trial->is_bounded && trial->at < STEPS) {
		unsigned step = trial->at;

		trial->result[step] = try_step(step);
		/* With clone3 nothing else is wanted. */
		trial->at = step == BY_CLONE3 && !is_refused(trial->result[step]) ? STEPS :
										    step + 1;
	}
	task_end();
}

/* ---- who asks */

/* False: no child could be had, or it came to nothing. */
static bool try_in_child(struct trial *trial, unsigned from, struct sandbox_places *places,
			 pid_t *child)
{
	long id = -EPERM;

	trial->at = from;
	trial->is_bounded = false;
	if (!system_call_is_withheld(SANDBOX_FIRST_VFORK))
		id = task_clone_vfork(places->keeper + sizeof(places->keeper), try_steps, trial);
	*child = id > 0 ? (pid_t)id : 0;
	/* It has ended: what it wrote is there. */
	atomic_signal_fence(memory_order_acquire);
	return id > 0 && trial->is_bounded;
}

static enum sandbox_first find_by_child(struct trial *trial, struct sandbox_places *places,
					pid_t children[2])
{
	if (!try_in_child(trial, BY_CLONE3, places, &children[0]))
		return SANDBOX_FIRST_CLONE;
	if (trial->at == STEPS && !is_refused(trial->result[BY_CLONE3]))
		return SANDBOX_FIRST_CLONE3;
	/* Lost at the first: another goes on behind it. */
	if (trial->at == BY_CLONE3 && !try_in_child(trial, BLOCK, places, &children[1]))
		return SANDBOX_FIRST_CLONE;
	return trial->at == STEPS ? SANDBOX_FIRST_CLONE : SANDBOX_FIRST_NONE;
}

enum sandbox_first sandbox_first_find(struct sandbox_places *places, pid_t children[2])
{
	struct trial trial = { .at = STEPS };
	char status[STATUS_BYTES];

	children[0] = children[1] = 0;
	if (kernel_version() < CLEARS_HANDLERS)
		return SANDBOX_FIRST_CLONE;
	if (sandbox_first_has_threads())
		return threads_come_by_clone3() ? SANDBOX_FIRST_CLONE3 : SANDBOX_FIRST_CLONE;
	if (fork_state_has_forked() || kernel_version() < DUMPS_ALONE || !read_status(status) ||
	    ((signals_in(status, "\nSigCgt:\t") | signals_in(status, "\nSigBlk:\t")) &
	     BIT(SIGCHLD)))
		return SANDBOX_FIRST_CLONE;
	trial.resets_traps = (signals_in(status, "\nSigCgt:\t") & BIT(SIGSYS)) != 0;
	return find_by_child(&trial, places, children);
}

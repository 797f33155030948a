/* SPDX-License-Identifier: MIT */
/*
 * program.c - see program.h. Files of /proc are opened once and read again from their start:
 * the helper may open nothing once it has confined itself.
 */
#include <config.h>

#include "os/program.h"

#include <linux/kcmp.h>
#include <linux/prctl.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "os/clock.h"
#include "support/kernel_file.h"
#include "support/log.h"
#include "support/number.h"
#include "support/page_size.h"
#include "support/system_call.h"

#define TEXT_BYTES	4096
#define GROUP_BYTES	512
#define FILTERS_UNKNOWN	UINT64_MAX
/* between two askings of the kernel, where it has to be asked */
#define ASK_NS		200000000ull

enum program_file { FILE_STAT, FILE_STATUS, FILE_STATM, FILE_CGROUP, FILES };

static const char *const names[FILES] = { "stat", "status", "statm", "cgroup" };

static struct {
	_Atomic pid_t id;		/* relaxed: written before there is a helper */
	/*
	 * Where the kernel writes 0 when the first thread ends, or any calls exec
	 * (set_tid_address(2): it does so while another process shares the memory). NULL: another
	 * one started the helper.
	 */
	const _Atomic int *first_thread;
	/* The helper's. */
	int descriptor;
	bool is_forked;			/* as id: by a fork that leaves no word, see below */
	int files[FILES];
	char group[GROUP_BYTES];	/* as it was */
	uint64_t filters;		/* then */
	unsigned own_filters;		/* among them */
} program = { .descriptor = -1, .files = { -1, -1, -1, -1 } };

static void program_note(pid_t id)
{
	unsigned i;

	atomic_store_explicit(&program.id, id, memory_order_relaxed);
	program.descriptor = -1;
	for (i = 0; i < FILES; i++)
		program.files[i] = -1;
}

/*
 * musl's fork does not tell the kernel where to write when the child's thread ends: the child would
 * be taken for a vfork's later, so it says now which process it is, and that nobody is to ask.
 */
void program_forget(void)
{
#ifdef __GLIBC__
	program_note(0);
#else
	long self = system_call(SYS_getpid);

	program_note(self > 0 ? (pid_t)self : 0);
	program.is_forked = true;
#endif
}

/*
 * Where the kernel is to write when the calling thread ends, the C library has told it; in a
 * vfork's child nobody has. Nor has a thread that the program has made by clone(2) itself, which is
 * not the first of its process.
 */
static bool may_borrow_memory(pid_t self)
{
	int *word = NULL;

	/* Linux 3.5, with CONFIG_CHECKPOINT_RESTORE. */
	return !program.is_forked &&
	       system_call(SYS_prctl, PR_GET_TID_ADDRESS, &word, 0ul, 0ul, 0ul) == 0 && !word &&
	       (pid_t)system_call(SYS_gettid) == self;
}

bool program_is_this(pid_t as_seen)
{
	pid_t self = (pid_t)system_call(SYS_getpid);

	/* Withheld, or refused. */
	if (self < 0)
		self = as_seen;
	if (!program_id() && self && !may_borrow_memory(self))
		program_note(self);
	if (!self)
		return true;
	/* A vfork's child in a PID namespace of its own may have the same id. */
	return self == program_id() && !may_borrow_memory(self);
}

void program_note_starter(void)
{
	pid_t starter = (pid_t)system_call(SYS_gettid);
	int *word = NULL;

	/*
	 * Linux 3.5, with CONFIG_CHECKPOINT_RESTORE. Of another thread it may be unmapped one day.
	 */
	if (starter != program_id() ||
	    system_call(SYS_prctl, PR_GET_TID_ADDRESS, &word, 0ul, 0ul, 0ul) != 0 || !word ||
	    *word != starter)
		word = NULL;
	program.first_thread = (const _Atomic int *)word;
}

static _Atomic unsigned own_filters;	/* relaxed: by the thread that has set one */

void program_note_sandbox(void)
{
	atomic_fetch_add_explicit(&own_filters, 1, memory_order_relaxed);
}

bool program_has_sandboxed_itself(void)
{
	return atomic_load_explicit(&own_filters, memory_order_relaxed) != 0;
}

pid_t program_id(void)
{
	return atomic_load_explicit(&program.id, memory_order_relaxed);
}

static int open_file(enum program_file file)
{
	char path[64];

	log_format_text(path, sizeof(path), "/proc/%u/%s", (unsigned)program_id(), names[file]);
	return kernel_file_open(path);
}

/* Terminated; empty if the kernel says nothing. */
static size_t program_read_file(enum program_file file, char *text, size_t bytes)
{
	int kept = program.files[file], opened = kept < 0 ? open_file(file) : kept;
	long length = kernel_file_read_again(opened, text, bytes);

	if (kept < 0 && opened >= 0)
		system_call(SYS_close, opened);
	return length > 0 ? (size_t)length : 0;
}

/* The number behind a key such as "\nUid:", the which-th from 0 on. False: not there. */
static bool number_behind(const char *key, unsigned which, uint64_t *number)
{
	char text[TEXT_BYTES];
	const char *next;

	program_read_file(FILE_STATUS, text, sizeof(text));
	next = strstr(text, key);
	if (!next)
		return false;
	next += strlen(key);
	do
		*number = number_read(next, &next);
	while (which--);
	return true;
}

/* How many there are (Linux 5.9), or whether there is one. */
static uint64_t filters(void)
{
	uint64_t number;

	if (number_behind("\nSeccomp_filters:", 0, &number) ||
	    number_behind("\nSeccomp:", 0, &number))
		return number;
	return FILTERS_UNKNOWN;
}

void program_open(void)
{
	unsigned i;

	program.descriptor = (int)system_call(SYS_pidfd_open, program_id(), 0u);
	for (i = 0; i < FILES; i++)
		program.files[i] = open_file(i);
	program_read_file(FILE_CGROUP, program.group, sizeof(program.group));
	program.filters = filters();
	program.own_filters = atomic_load_explicit(&own_filters, memory_order_relaxed);
}

int program_descriptor(void)
{
	return program.descriptor < 0 ? -1 : program.descriptor;
}

static bool program_has_ended(void)
{
	struct pollfd poller = { .fd = program.descriptor, .events = POLLIN };
	struct timespec none = { 0, 0 };

	if (program.descriptor >= 0)
		return system_call(SYS_ppoll, &poller, 1ul, &none, NULL, 8ul) > 0;
	return (pid_t)system_call(SYS_getppid) != program_id();
}

/* "pid (any name) Z …": it waits for its other threads, so it has not called exec. */
static bool first_thread_has_ended(void)
{
	char text[TEXT_BYTES], *next;

	program_read_file(FILE_STAT, text, sizeof(text));
	next = strrchr(text, ')');
	return next && next[2] == 'Z';
}

/* Which takes some calls. */
static bool is_there_by_the_kernel(void)
{
	long order;

	if (program_has_ended())
		return false;
	order = system_call(SYS_kcmp, (pid_t)system_call(SYS_getpid), program_id(), KCMP_VM, 0ul,
			    0ul);
	if (order >= 0)
		return order == 0;
	/* Refused (a program with more rights), or not built in. */
	return !program.first_thread || first_thread_has_ended();
}

/* By whoever asks, the helper or its other thread: relaxed, asked twice it is answered twice. */
static _Atomic uint64_t asked_ns;

bool program_is_there(void)
{
	uint64_t now_ns;

	/* relaxed: nothing else is read because of it */
	if (program.first_thread &&
	    atomic_load_explicit(program.first_thread, memory_order_relaxed) == program_id())
		return true;
	now_ns = clock_now_ns();
	if (!program.first_thread && now_ns &&
	    now_ns - atomic_load_explicit(&asked_ns, memory_order_relaxed) < ASK_NS)
		return true;
	atomic_store_explicit(&asked_ns, now_ns, memory_order_relaxed);
	return is_there_by_the_kernel();
}

uid_t program_user(void)
{
	uint64_t user;

	return number_behind("\nUid:", 1, &user) ? (uid_t)user : (uid_t)-1;
}

bool program_has_new_filter(void)
{
	uint64_t now = filters();
	unsigned own = atomic_load_explicit(&own_filters, memory_order_relaxed);

	/* One that a thread has set for itself alone is not the first thread's. */
	return now == FILTERS_UNKNOWN || now > program.filters + (own - program.own_filters);
}

bool program_has_moved(void)
{
	char group[GROUP_BYTES];

	return program_read_file(FILE_CGROUP, group, sizeof(group)) && program.group[0] &&
	       strcmp(group, program.group) != 0;
}

uint64_t program_start_time(void)
{
	char text[TEXT_BYTES], *next;
	unsigned field;

	if (!program_read_file(FILE_STAT, text, sizeof(text)))
		return 0;
	/* "pid (any name) S …": the third field follows the last parenthesis. */
	next = strrchr(text, ')');
	for (field = 2; next && field < 22; field++)
		next = strchr(next + 1, ' ');
	return next ? number_read(next + 1, NULL) : 0;
}

uint64_t program_resident_bytes(void)
{
	char text[128], *next;

	if (!program_read_file(FILE_STATM, text, sizeof(text)))
		return 0;
	next = strchr(text, ' ');
	return next ? number_read(next + 1, NULL) * page_size() : 0;
}

char **program_environment(char **passed)
{
#ifdef __GLIBC__
	return passed;
#else
	(void)passed;
	return environ;
#endif
}

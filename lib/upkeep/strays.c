/* SPDX-License-Identifier: MIT */
/*
 * strays.c - see strays.h.
 */
#include <config.h>

#include "upkeep/strays.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "back/reservation.h"
#include "middle/slab.h"
#include "os/process.h"
#include "os/program.h"
#include "support/log.h"
#include "support/options.h"
#include "support/system_call.h"

#define KEPT	64

#define WORDS	(sizeof(struct control_stray) / sizeof(uint64_t))

/* relaxed: one that is overwritten while it is read is of two strays, 64 in between */
static _Atomic uint64_t kept[KEPT][WORDS] SPARSE;
static _Atomic uint32_t noted;	/* release by the helper; acquire by readers */

static void strays_keep(const struct control_stray *stray)
{
	uint32_t number = atomic_load_explicit(&noted, memory_order_relaxed);
	uint64_t words[WORDS];
	unsigned i;

	memcpy(words, stray, sizeof(words));
	for (i = 0; i < WORDS; i++)
		atomic_store_explicit(&kept[number % KEPT][i], words[i], memory_order_relaxed);
	atomic_store_explicit(&noted, number + 1, memory_order_release);
}

uint32_t strays_count(void)
{
	uint32_t number = atomic_load_explicit(&noted, memory_order_acquire);

	return number < KEPT ? number : KEPT;
}

static void read_one(uint32_t number, struct control_stray *row)
{
	uint64_t words[WORDS];
	unsigned i;

	for (i = 0; i < WORDS; i++)
		words[i] = atomic_load_explicit(&kept[number % KEPT][i], memory_order_relaxed);
	memcpy(row, words, sizeof(words));
}

uint32_t strays_read(struct control_stray *rows, uint32_t first, uint32_t most)
{
	uint32_t count = strays_count(), i;
	uint32_t oldest = atomic_load_explicit(&noted, memory_order_relaxed) - count;

	for (i = 0; i < most && first + i < count; i++)
		read_one(oldest + first + i, &rows[i]);
	return i;
}

/* The thread that strayed waits for us: it ends there, with its stack as it is. */
static void abort_program(pid_t thread)
{
	log_warning("on_stray_access:abort");
	system_call(SYS_tgkill, program_id(), thread, SIGABRT);
}

static void strays_say(const struct fault_stray *stray)
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
		abort_program((pid_t)stray->thread);
}

static void strays_note(const struct fault_stray *stray)
{
	unsigned mark = slab_unit(reservation_unit_of((void *)stray->address))->class_mark;

	strays_keep(&(struct control_stray){
		.when_ns = process_date_ns(),
		.address = stray->address,
		.thread = (uint32_t)stray->thread,
		.is_write = stray->write,
		.class_bytes = mark ? size_class_table[mark - 1].size : 0,
	});
}

void strays_report(const struct fault_stray *stray)
{
	if (options.on_stray_access == ON_STRAY_OFF)
		return;
	strays_note(stray);
	strays_say(stray);
}

/* SPDX-License-Identifier: MIT */
/*
 * populate_fill.c - see populate_fill.h.
 */
#include <config.h>

#include "upkeep/populate_fill.h"

#include <errno.h>
#include <stdatomic.h>

#include "back/reservation.h"
#include "os/node.h"
#include "os/thread.h"
#include "os/vm.h"
#include "support/log.h"

#define STAGED_HUGE	2	/* the stock is the buffer; zeroing and moving take turns */
#define STAGED_SMALL	1
#define COPIES_MOST	4
#define REFUSALS_MOST	16
#define STRAYS_AT_ONCE	8
#define HOME_NONE	TOPOLOGY_HOMES_MAX

static unsigned home_reached = HOME_NONE;	/* by the helper, where it has to go there */

/* Relaxed: counts, of all helpers. */
static struct {
	_Atomic size_t moved, copied, touched, armed;
	_Atomic size_t strays;
} counts;

static void populate_fill_count(_Atomic size_t *counter)
{
	atomic_fetch_add_explicit(counter, SUPERSLAB_SIZE, memory_order_relaxed);
}

void populate_fill_read(struct populate_fill_counts *read)
{
	read->moved = atomic_load_explicit(&counts.moved, memory_order_relaxed);
	read->copied = atomic_load_explicit(&counts.copied, memory_order_relaxed);
	read->armed = atomic_load_explicit(&counts.armed, memory_order_relaxed);
	read->strays = atomic_load_explicit(&counts.strays, memory_order_relaxed);
	read->touched = atomic_load_explicit(&counts.touched, memory_order_relaxed);
}

static bool take_staged(struct populate_fill *fill, enum staging_unit unit,
			struct staged_range *source, uint64_t *zeroing_ns)
{
	uint64_t start_ns = thread_cpu_ns();

	if (staging_refill(&fill->staging, unit, 1, 1))
		*zeroing_ns = thread_cpu_ns() - start_ns;
	return staging_take(&fill->staging, unit, source);
}

void populate_fill_refuse(struct populate_fill *fill, const char *why)
{
	*fill = (struct populate_fill)POPULATE_FILL_CLOSED;
	log_format_text(fill->probe.reason, sizeof(fill->probe.reason), "%s", why);
}

static void probe(struct populate_fill *fill, int error)
{
	if (!error) {
		fault_probe_run(&fill->probe);
		return;
	}
	populate_fill_refuse(
		fill, "close_range(2) is refused, and what the program closes it would lose");
	fill->probe.error = error;
}

void populate_fill_begin(struct populate_fill *fill, int node, int error)
{
	unsigned flags;

	probe(fill, error);
	/* Without a way for its samples only, which tell what small pages cost. */
	staging_open(&fill->staging, STAGED_HUGE, STAGED_SMALL, node);
	flags = fill->probe.way == FAULT_PROBE_COPY ? FAULT_SERVICE_WITHOUT_MOVE : 0;
	if (!populate_fill_arms(fill) || fault_service_open(&fill->service, flags))
		fill->probe.way = FAULT_PROBE_NONE;
}

/* What COPY copies from may be on any node: its target has a policy. */
void populate_fill_begin_beside(struct populate_fill *fill, const struct populate_fill *first,
				int node)
{
	fill->probe = first->probe;
	fill->service = first->service;
	fill->zeroes = first->zeroes;
	staging_open(&fill->staging, STAGED_HUGE, STAGED_SMALL, node);
}

int populate_fill_arm(struct populate_fill *fill, char *start, uint32_t superslabs)
{
	int error;

	if (!populate_fill_arms(fill))
		return 0;
	error = fault_service_arm(&fill->service, start, superslabs * SUPERSLAB_SIZE);
	if (!error)
		atomic_fetch_add_explicit(&counts.armed, superslabs * SUPERSLAB_SIZE,
					  memory_order_relaxed);
	return error;
}

int populate_fill_disarm(struct populate_fill *fill, char *start)
{
	int error;

	if (!populate_fill_arms(fill))
		return 0;
	error = fault_service_disarm(&fill->service, start, SUPERSLAB_SIZE);
	if (!error)
		atomic_fetch_sub_explicit(&counts.armed, SUPERSLAB_SIZE, memory_order_relaxed);
	return error;
}

void populate_fill_empty(struct populate_fill *fill, char *start)
{
	if (populate_fill_arms(fill))
		fault_service_mend(start);
}

uint64_t populate_fill_sample_small(struct populate_fill *fill)
{
	uint64_t start_ns = thread_cpu_ns();
	size_t bytes = staging_sample(&fill->staging);

	return bytes ? (thread_cpu_ns() - start_ns) * (SUPERSLAB_SIZE / bytes) : 0;
}

/* What is there already a stray may have written: what is handed out must be zero. */
static int copy_all(struct populate_fill *fill, char *start, const struct staged_range *source)
{
	struct fault_install done;
	unsigned tries;
	int error;

	for (tries = 0; tries < COPIES_MOST; tries++) {
		error = fault_service_copy(&fill->service, start, source->start, SUPERSLAB_SIZE,
					   &done);
		if (error || !done.existing_bytes)
			return error;
		fault_service_mend(start);
	}
	return -EAGAIN;
}

/* Where nothing is moved one unit is kept for all copies. */
static int fill_by_copy(struct populate_fill *fill, char *start)
{
	bool keeps = fill->probe.way == FAULT_PROBE_COPY;
	struct staged_range source = fill->zeroes;
	bool staged = !source.start;
	uint64_t unused;
	int error;

	if (staged && !take_staged(fill, STAGING_HUGE, &source, &unused))
		return -ENOMEM;
	error = copy_all(fill, start, &source);
	if (staged && keeps)
		fill->zeroes = source;
	else if (staged)
		staging_put(&fill->staging, STAGING_HUGE, &source, 0);
	if (!error)
		populate_fill_count(&counts.copied);
	return error;
}

/*
 * A hypervisor that keeps page tables of its own (PVM) takes a fault of its own at the first
 * touch of what was moved, unseen by the kernel: the helper pays for it.
 */
static void touch_moved(const char *start)
{
	(void)*(const volatile char *)start;
}

static int fill_by_move(struct populate_fill *fill, char *start, enum populate_pages pages,
			uint64_t *zeroing_ns)
{
	enum staging_unit unit = pages == POPULATE_HUGE ? STAGING_HUGE : STAGING_SMALL;
	struct fault_install done = { 0, 0 };
	struct staged_range source;
	int error;

	if (!take_staged(fill, unit, &source, zeroing_ns))
		return fill_by_copy(fill, start);
	error = fault_service_move(&fill->service, start, source.start, SUPERSLAB_SIZE, &done);
	staging_put(&fill->staging, unit, &source, done.installed_bytes);
	if (!error && !done.existing_bytes) {
		touch_moved(start);
		populate_fill_count(&counts.moved);
		return 0;
	}
	if (error == -EAGAIN)
		return error;
	/* Shared with a fork's child, locked on one side only, or strayed into: from the start. */
	fault_service_mend(start);
	return fill_by_copy(fill, start);
}

/* By touching, not MADV_POPULATE_WRITE: that holds the mmap lock while the kernel zeroes. */
static int fill_by_touch(struct populate_fill *fill, char *start, enum populate_pages pages,
			 uint64_t *zeroing_ns)
{
	size_t offset, page = vm_page_size();
	uint64_t start_ns = thread_cpu_ns();

	if (pages == POPULATE_HUGE)
		vm_want_huge(start, SUPERSLAB_SIZE);
	else if (fill->refusals++ < REFUSALS_MOST)
		vm_refuse_huge(start, SUPERSLAB_SIZE);
	vm_touch_huge(start);
	for (offset = 0; offset < SUPERSLAB_SIZE; offset += page)
		*(volatile char *)(start + offset) = 0;
	*zeroing_ns = thread_cpu_ns() - start_ns;
	populate_fill_count(&counts.touched);
	return 0;
}

int populate_fill_superslab(struct populate_fill *fill, char *start, enum populate_pages pages,
			    uint64_t *zeroing_ns)
{
	*zeroing_ns = 0;
	switch (fill->probe.way) {
	case FAULT_PROBE_MOVE:
		return fill_by_move(fill, start, pages, zeroing_ns);
	case FAULT_PROBE_COPY:
		return fill_by_copy(fill, start);
	case FAULT_PROBE_NONE:
		break;
	}
	return fill_by_touch(fill, start, pages, zeroing_ns);
}

void populate_fill_drain(struct populate_fill *fill)
{
	if (fill->probe.way != FAULT_PROBE_MOVE)
		return;
	staging_drain(&fill->staging, STAGING_HUGE, 0);
	staging_drain(&fill->staging, STAGING_SMALL, 0);
}

/* Where nothing can be bound its first touch decides. */
bool populate_fill_reach(unsigned home)
{
	if (!topology_has_homes() || node_binds() || home == home_reached)
		return true;
	home_reached = node_run_on(home) ? home : HOME_NONE;
	return home == home_reached;
}

void populate_fill_answer_strays(struct populate_fill *fill,
				 void (*report)(const struct fault_stray *stray))
{
	struct fault_stray strays[STRAYS_AT_ONCE];
	int i, found = 0;

	if (fill->service.descriptor >= 0)
		found = fault_service_read_strays(&fill->service, strays, STRAYS_AT_ONCE);
	for (i = 0; i < found; i++) {
		/* First: who strayed finds it counted. */
		atomic_fetch_add_explicit(&counts.strays, 1, memory_order_relaxed);
		report(&strays[i]);
		fault_service_answer_stray(&fill->service, &strays[i]);
	}
}

void populate_fill_forget(struct populate_fill *fill)
{
	*fill = (struct populate_fill)POPULATE_FILL_CLOSED;
	home_reached = HOME_NONE;
	atomic_store_explicit(&counts.armed, 0, memory_order_relaxed);
}

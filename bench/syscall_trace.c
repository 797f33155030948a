/* SPDX-License-Identifier: MIT */
/*
 * The program whose memory system calls syscall_tracer counts: 50,000 replacements in a
 * working set of 256 blocks, seed 42. Three traces: small (16 + (random & 0x3FF)),
 * middle (1025 to 8191 bytes), aligned (every alignment from 16 bytes to 2 MiB, sizes
 * from 1 byte to 64 KiB, evenly over the doublings).
 */
#include "bench/harness.h"
#include "bench/syscall_marker.h"

#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum {
	OPERATIONS = 50000,
	WORKING_SET = 256,
	SEED = 42,
	ALIGN_SHIFT_LOW = 4,
	ALIGN_SHIFT_HIGH = 21,
	SIZE_DOUBLINGS = 16,
};

enum trace { TRACE_SMALL, TRACE_MIDDLE, TRACE_ALIGNED, TRACES };

static const char *const trace_names[TRACES] = { "small", "middle", "aligned" };

static struct syscall_marker marker = { .operation = SYSCALL_MARKER_START };
static void *slots[WORKING_SET];

static size_t choose_size(enum trace trace, uint64_t *state)
{
	size_t base;

	switch (trace) {
	case TRACE_SMALL:
		return 16 + (harness_random(state) & 0x3FF);
	case TRACE_MIDDLE:
		return 1025 + harness_random(state) % (8192 - 1025);
	default:
		base = (size_t)1 << (harness_random(state) % SIZE_DOUBLINGS);
		return base + harness_random(state) % base;
	}
}

static size_t choose_alignment(enum trace trace, uint64_t *state)
{
	const unsigned int shifts = ALIGN_SHIFT_HIGH - ALIGN_SHIFT_LOW + 1;

	if (trace != TRACE_ALIGNED)
		return 0;
	return (size_t)1 << (ALIGN_SHIFT_LOW + harness_random(state) % shifts);
}

static void *allocate(size_t align_bytes, size_t size_bytes)
{
	void *block;

	if (!align_bytes)
		return malloc(size_bytes);
	if (posix_memalign(&block, align_bytes, size_bytes))
		return NULL;
	return block;
}

static void replace(enum trace trace, int64_t operation, uint64_t *state)
{
	void **slot = &slots[harness_random(state) % WORKING_SET];
	size_t size_bytes = choose_size(trace, state);
	size_t align_bytes = choose_alignment(trace, state);

	marker.size_bytes = size_bytes;
	marker.align_bytes = align_bytes;
	marker.operation = operation;
	free(*slot);
	*slot = allocate(align_bytes, size_bytes);
	if (!*slot)
		harness_fail("allocation failed");
	if (align_bytes && (uintptr_t)*slot % align_bytes)
		harness_fail("a block lacks the alignment asked for");
	memset(*slot, 1, 1);
}

static enum trace find_trace(const char *name)
{
	for (unsigned int i = 0; i < TRACES; i++)
		if (!strcmp(trace_names[i], name))
			return (enum trace)i;
	harness_fail("no such trace; they are small, middle, aligned");
}

int main(int argc, char **argv)
{
	uint64_t state = SEED;
	enum trace trace;

	if (argc != 2)
		harness_fail("usage: syscall_trace small|middle|aligned");
	trace = find_trace(argv[1]);
	prctl(SYSCALL_MARKER_PRCTL, &marker, 0, 0, 0);
	for (int64_t operation = 0; operation < OPERATIONS; operation++)
		replace(trace, operation, &state);
	marker.operation = SYSCALL_MARKER_END;
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* See heap_profile.h. Names are found by symbols.c. */
#include <config.h>

#include "hakctl/profile/heap_profile.h"

#include <inttypes.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hakctl/output/message.h"
#include "hakctl/output/text.h"
#include "hakctl/profile/symbols.h"

#define PART 256.0 /* objects come in 256ths */

static void *allocate(size_t count, size_t bytes)
{
	void *memory = calloc(count ? count : 1, bytes);

	if (!memory)
		message_out_of_memory();
	return memory;
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(a, b);
}

const char *heap_profile_text(struct heap_profile *profile, const char *text)
{
	char **found = tfind(text, &profile->texts, compare_texts);
	char *copy;

	if (found)
		return *found;
	copy = strdup(text);
	if (!copy || !tsearch(copy, &profile->texts, compare_texts))
		message_out_of_memory();
	/* Symbols and paths are what the other program's files say. */
	text_clean(copy);
	return copy;
}

const char *heap_profile_name(const struct profile_frame *frame)
{
	static char address[32];

	if (*frame->function)
		return frame->function;
	if (*frame->place)
		return frame->place;
	snprintf(address, sizeof(address), "0x%" PRIx64, frame->address);
	return address;
}

size_t heap_profile_add_frame(struct heap_profile *profile, const struct profile_frame *frame)
{
	if (profile->frame_count == profile->frame_room) {
		profile->frame_room = profile->frame_room ? 2 * profile->frame_room : 1024;
		profile->frames = realloc(profile->frames,
					  profile->frame_room * sizeof(*profile->frames));
		if (!profile->frames)
			message_out_of_memory();
	}
	profile->frames[profile->frame_count] = *frame;
	return profile->frame_count++;
}

bool heap_profile_control(const struct target *target, enum control_profile_action action,
			  uint64_t interval_bytes, struct control_profile *state,
			  struct failure *failure)
{
	struct control_profile request = { .action = action, .interval_bytes = interval_bytes };
	struct connection connection;
	bool done;

	if (!target_connect(target, &connection, failure))
		return false;
	done = connection_ask(&connection, CONTROL_PROFILE, &request, sizeof(request), state,
			      sizeof(*state), 0, failure);
	connection_close(&connection);
	return done;
}

struct address {
	uint64_t address;
	size_t frame;
};

static int compare_addresses(const void *a, const void *b)
{
	const struct address *one = a, *other = b;

	return (one->address > other->address) - (one->address < other->address);
}

/* Every address once, with its frame. Returns how many. */
static size_t add_frames(struct heap_profile *profile, const struct target *target,
			 const struct control_stack *stacks, size_t count, struct address **all)
{
	struct address *list = allocate(count * CONTROL_STACK_FRAMES, sizeof(*list));
	struct symbols *symbols = symbols_open(target, profile);
	size_t used = 0, kept = 0;

	for (size_t i = 0; i < count; i++)
		for (unsigned k = 0; k < stacks[i].depth && k < CONTROL_STACK_FRAMES; k++)
			list[used++].address = stacks[i].frames[k] - 1;
	qsort(list, used, sizeof(*list), compare_addresses);
	for (size_t i = 0; i < used; i++) {
		struct profile_frame frame = { .address = list[i].address, .place = "",
					       .function = "", .mangled = "", .file = "" };

		if (kept && list[kept - 1].address == list[i].address)
			continue;
		symbols_find(symbols, profile, &frame);
		list[kept].address = list[i].address;
		list[kept++].frame = heap_profile_add_frame(profile, &frame);
	}
	symbols_close(symbols);
	*all = list;
	return kept;
}

static void add_stack(struct profile_stack *stack, const struct control_stack *row,
		      const struct address *addresses, size_t count)
{
	stack->depth = row->depth < CONTROL_STACK_FRAMES ? row->depth : CONTROL_STACK_FRAMES;
	stack->frames = allocate(stack->depth, sizeof(*stack->frames));
	for (unsigned i = 0; i < stack->depth; i++) {
		struct address wanted = { .address = row->frames[i] - 1 };
		const struct address *found = bsearch(&wanted, addresses, count, sizeof(wanted),
						      compare_addresses);

		stack->frames[i] = found->frame;
	}
	stack->values[PROFILE_ALLOCATED_OBJECTS] = (double)row->objects / PART;
	stack->values[PROFILE_ALLOCATED_BYTES] = (double)row->bytes;
	stack->oldest_ns = UINT64_MAX;
}

static void add_sample(struct heap_profile *profile, const struct control_sample *row)
{
	double objects = (double)row->objects / PART;
	struct profile_stack *stack;

	if (!row->block || row->stack >= profile->stack_count)
		return;
	stack = &profile->stacks[row->stack];
	stack->values[PROFILE_LIVE_OBJECTS] += objects;
	stack->values[PROFILE_LIVE_BYTES] += objects * (double)row->asked_bytes;
	stack->pinned_bytes += objects * (double)row->pinned_bytes;
	stack->samples++;
	if (row->born_ns < profile->old_ns)
		stack->old_bytes += objects * (double)row->asked_bytes;
	if (row->born_ns < stack->oldest_ns)
		stack->oldest_ns = row->born_ns;
}

static void build(struct heap_profile *profile, const struct target *target,
		  const struct reply_rows *stacks, const struct reply_rows *samples)
{
	const struct control_stack *rows = (const void *)stacks->rows;
	const struct control_sample *live = (const void *)samples->rows;
	struct address *addresses;
	size_t count = add_frames(profile, target, rows, stacks->count, &addresses);

	profile->stacks = allocate(stacks->count, sizeof(*profile->stacks));
	profile->stack_count = stacks->count;
	for (size_t i = 0; i < stacks->count; i++)
		add_stack(&profile->stacks[i], &rows[i], addresses, count);
	for (size_t i = 0; i < samples->count; i++)
		add_sample(profile, &live[i]);
	free(addresses);
}

/* Samples first: each one's stack is then among the stacks. */
static bool ask(struct connection *connection, struct heap_profile *profile,
		struct reply_rows *stacks, struct reply_rows *samples, struct failure *failure)
{
	struct control_profile request = { .action = CONTROL_PROFILE_ASK };

	return connection_ask(connection, CONTROL_PROFILE, &request, sizeof(request),
			      &profile->state, sizeof(profile->state), 0, failure) &&
	       connection_ask_rows(connection, CONTROL_SAMPLES, samples, failure) &&
	       connection_ask_rows(connection, CONTROL_STACKS, stacks, failure);
}

bool heap_profile_fetch(const struct target *target, uint64_t old_ns, struct heap_profile *profile,
			struct failure *failure)
{
	struct reply_rows stacks = { .row_bytes = sizeof(struct control_stack) };
	struct reply_rows samples = { .row_bytes = sizeof(struct control_sample) };
	struct connection connection;
	struct timespec now;
	bool done;

	*profile = (struct heap_profile){ .old_ns = old_ns };
	if (!target_connect(target, &connection, failure))
		return false;
	done = ask(&connection, profile, &stacks, &samples, failure);
	connection_close(&connection);
	if (done && !profile->state.begun_ns)
		done = failure_set(failure, EXIT_REFUSED,
				   "%s: no profile was taken; `hakctl profile start %d` begins one",
				   target_label(target), (int)target->process.pid);
	clock_gettime(CLOCK_REALTIME, &now);
	profile->date_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	if (done)
		build(profile, target, &stacks, &samples);
	reply_free_rows(&stacks);
	reply_free_rows(&samples);
	return done;
}

/* By what frames are called, so that two runs of a program can be compared. */
static uint64_t hash_of(const struct heap_profile *profile, const struct profile_stack *stack)
{
	uint64_t hash = stack->depth;

	for (unsigned i = 0; i < stack->depth; i++) {
		const struct profile_frame *frame = &profile->frames[stack->frames[i]];

		for (const char *text = heap_profile_name(frame); *text; text++)
			hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
		hash = (hash ^ frame->line) * 0x100000001b3u;
	}
	return hash;
}

struct hashed {
	uint64_t hash;
	size_t stack;
};

static int compare_hashes(const void *a, const void *b)
{
	const struct hashed *one = a, *other = b;

	return (one->hash > other->hash) - (one->hash < other->hash);
}

static struct hashed *hash_all(const struct heap_profile *profile)
{
	struct hashed *all = allocate(profile->stack_count, sizeof(*all));

	for (size_t i = 0; i < profile->stack_count; i++)
		all[i] = (struct hashed){ hash_of(profile, &profile->stacks[i]), i };
	qsort(all, profile->stack_count, sizeof(*all), compare_hashes);
	return all;
}

/* A stack that is there no more has less than nothing now. */
static void subtract_stack(struct heap_profile *profile, const struct heap_profile *from,
			   const struct profile_stack *less)
{
	struct profile_stack *stack = &profile->stacks[profile->stack_count++];

	*stack = (struct profile_stack){ .depth = less->depth };
	stack->frames = allocate(less->depth, sizeof(*stack->frames));
	for (unsigned i = 0; i < less->depth; i++) {
		struct profile_frame frame = from->frames[less->frames[i]];

		frame.mapping = 0;
		stack->frames[i] = heap_profile_add_frame(profile, &frame);
	}
	for (int i = 0; i < PROFILE_VALUES; i++)
		stack->values[i] = -less->values[i];
}

static bool is_same(const struct heap_profile *one, const struct profile_stack *a,
		    const struct heap_profile *other, const struct profile_stack *b)
{
	for (unsigned i = 0; i < a->depth && i < b->depth; i++)
		if (one->frames[a->frames[i]].address != other->frames[b->frames[i]].address)
			return false;
	return a->depth == b->depth;
}

/*
 * A function may call from several places in a line: of those that are called alike the one at the
 * same addresses, in another run the first. NULL: there is none.
 */
static struct profile_stack *find_same(struct heap_profile *profile, const struct hashed *all,
				       size_t count, const struct heap_profile *of,
				       const struct profile_stack *wanted)
{
	struct hashed key = { hash_of(of, wanted), 0 };
	const struct hashed *found = bsearch(&key, all, count, sizeof(key), compare_hashes);
	const struct hashed *first, *alike;

	if (!found)
		return NULL;
	for (first = found; first > all && first[-1].hash == key.hash; first--)
		;
	for (alike = first; alike < all + count && alike->hash == key.hash; alike++)
		if (is_same(profile, &profile->stacks[alike->stack], of, wanted))
			return &profile->stacks[alike->stack];
	return &profile->stacks[first->stack];
}

void heap_profile_subtract(struct heap_profile *profile, const struct heap_profile *less)
{
	struct hashed *all = hash_all(profile);
	size_t count = profile->stack_count;

	profile->stacks = realloc(profile->stacks, (count + less->stack_count + 1) *
							   sizeof(*profile->stacks));
	if (!profile->stacks)
		message_out_of_memory();
	for (size_t i = 0; i < less->stack_count; i++) {
		struct profile_stack *found = find_same(profile, all, count, less,
							&less->stacks[i]);

		if (!found) {
			subtract_stack(profile, less, &less->stacks[i]);
			continue;
		}
		for (int k = 0; k < PROFILE_VALUES; k++)
			found->values[k] -= less->stacks[i].values[k];
	}
	free(all);
}

/* SPDX-License-Identifier: MIT */
/* See snapshot.h; target.c asks for the reason of a missing socket, look.c for the ledger. */
#include <config.h>

#include "hakctl/client/snapshot.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "hakctl/client/remote.h"
#include "hakctl/client/reply.h"

#define SYMBOL "hak_snapshot"

/* Of what is written a few times a second; a stopped writer may be caught in the middle. */
enum { MOST_TRIES = 20, MOST_BYTES = 1 << 20 };

#define LEDGER_AT offsetof(struct control_snapshot, ledger)

/* The lengths stand in front: another release's ledger and rows may be longer. */
struct prefix {
	uint32_t magic;
	uint16_t version;
	uint16_t row_bytes;
	uint32_t bytes;
	uint32_t ledger_bytes;
};

static bool has_known_shape(const struct prefix *prefix, struct failure *failure)
{
	if (prefix->magic != CONTROL_MAGIC)
		return failure_set(failure, EXIT_REFUSED,
				   "the library has not written its snapshot yet");
	if (prefix->version < CONTROL_VERSION_LOWEST || prefix->version > CONTROL_VERSION)
		return failure_set(
			failure, EXIT_REFUSED,
			"its snapshot has version %u, this hakctl %s understands "
			"%u to %u: use the hakctl that came with its library",
			prefix->version, PACKAGE_VERSION, CONTROL_VERSION_LOWEST,
			CONTROL_VERSION);
	if (prefix->bytes < LEDGER_AT || prefix->bytes > MOST_BYTES ||
	    prefix->ledger_bytes > prefix->bytes - LEDGER_AT)
		return failure_set(failure, EXIT_REFUSED, "its snapshot makes no sense");
	return true;
}

static void clean(struct control_snapshot *snapshot)
{
	snapshot->socket[sizeof(snapshot->socket) - 1] = '\0';
	snapshot->why_no_socket[sizeof(snapshot->why_no_socket) - 1] = '\0';
	for (char *text = snapshot->why_no_socket; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
	reply_clean_texts(CONTROL_STATS, &snapshot->ledger, sizeof(snapshot->ledger));
}

/* The same even sequence before and after: nobody wrote in between. */
static bool copy_whole(const struct process *process, uint64_t address,
		       unsigned char *bytes, size_t count)
{
	size_t at = offsetof(struct control_snapshot, sequence);

	for (int i = 0; i < MOST_TRIES; i++) {
		struct timespec pause = { 0, 1000000 };
		uint64_t before, after;

		if (!remote_read(process, address, bytes, count) ||
		    !remote_read(process, address + at, &after, sizeof(after)))
			return false;
		memcpy(&before, bytes + at, sizeof(before));
		if (after == before && !(after & 1))
			return true;
		nanosleep(&pause, NULL);
	}
	errno = EAGAIN;
	return false;
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* What theirs and ours have in common. */
static void take_apart(const unsigned char *bytes, struct control_snapshot *snapshot)
{
	size_t ledger_bytes, row_bytes, rows_at, room;

	memset(snapshot, 0, sizeof(*snapshot));
	memcpy(snapshot, bytes, LEDGER_AT);
	ledger_bytes = snapshot->ledger_bytes;
	row_bytes = snapshot->row_bytes;
	memcpy(&snapshot->ledger, bytes + LEDGER_AT,
	       smaller(ledger_bytes, sizeof(snapshot->ledger)));
	rows_at = LEDGER_AT + ledger_bytes;
	room = row_bytes ? (snapshot->bytes - rows_at) / row_bytes : 0;
	snapshot->class_count = (uint32_t)smaller(
		snapshot->class_count, smaller(room, CONTROL_SNAPSHOT_CLASSES));
	for (size_t i = 0; i < snapshot->class_count; i++)
		memcpy(&snapshot->classes[i], bytes + rows_at + i * row_bytes,
		       smaller(row_bytes, sizeof(snapshot->classes[i])));
	clean(snapshot);
}

bool snapshot_read(const struct process *process, const struct process_library *library,
		   struct control_snapshot *snapshot, struct failure *failure)
{
	static unsigned char bytes[MOST_BYTES];
	struct prefix prefix;
	uint64_t address;

	if (!remote_find(library, SYMBOL, &address, failure))
		return false;
	if (!remote_read(process, address, &prefix, sizeof(prefix)))
		return failure_set(failure, EXIT_REFUSED,
				   "its memory cannot be read: %s%s", strerror(errno),
				   errno == EPERM ? "; root may" : "");
	if (!has_known_shape(&prefix, failure))
		return false;
	if (!copy_whole(process, address, bytes, prefix.bytes))
		return failure_set(failure, EXIT_REFUSED,
				   "its snapshot cannot be read: %s",
				   errno == EAGAIN ? "it was stopped while writing it" :
						     strerror(errno));
	take_apart(bytes, snapshot);
	return true;
}

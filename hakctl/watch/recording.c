/* SPDX-License-Identifier: MIT */
/*
 * See recording.h. A head, then the places of the ring: a look that is half written is told by its
 * number.
 */
#include <config.h>

#include "hakctl/watch/recording.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "hakctl/output/text.h"

struct head {
	char magic[8];
	uint32_t record_bytes, ledger_bytes;
	uint64_t places;
	uint64_t reserved[5];
};

static const char magic[8] = "hakrec1";

void recording_take(struct recording_look *record, const struct target *target,
		    const struct look *look)
{
	const struct control_class *rows = (const void *)look->classes.rows;
	struct timespec now;
	char title[256];

	clock_gettime(CLOCK_REALTIME, &now);
	*record = (struct recording_look){
		.time_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec,
		.pid = (uint32_t)target->process.pid,
		.start_time = target->process.start_time,
		.rss_bytes = target->process.rss_bytes,
		.ledger = look->ledger,
	};
	process_find_title(&target->process, title);
	snprintf(record->title, sizeof(record->title), "%.127s", title);
	for (size_t i = 0; i < look->classes.count && i < CONTROL_SNAPSHOT_CLASSES; i++)
		record->classes[record->class_count++] = (struct recording_class){
			.size_bytes = rows[i].size_bytes,
			.alignment_only = rows[i].alignment_only,
			.live = rows[i].live,
			.lost = rows[i].free + rows[i].cached + rows[i].in_transit,
		};
}

static bool fails(struct failure *failure, const char *path)
{
	return failure_set(failure, EXIT_REFUSED, "%s: %s", path, strerror(errno));
}

static off_t place_of(const struct recording *recording, uint64_t number)
{
	return (off_t)(sizeof(struct head) +
		       (number - 1) % recording->places * sizeof(struct recording_look));
}

/* Of this hakctl's own shape, or none of ours. */
static bool read_head(struct recording *recording, const char *path, struct failure *failure)
{
	struct stat status;
	struct head head;

	if (fstat(recording->file, &status) != 0)
		return fails(failure, path);
	if (!S_ISREG(status.st_mode) ||
	    pread(recording->file, &head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
	    memcmp(head.magic, magic, sizeof(magic)))
		return failure_set(failure, EXIT_REFUSED, "%s: is no recording of `hakctl watch`",
				   path);
	if (head.record_bytes != sizeof(struct recording_look) ||
	    head.ledger_bytes != sizeof(struct control_ledger) || !head.places ||
	    head.places > UINT64_MAX / 2 / sizeof(struct recording_look))
		return failure_set(
			failure, EXIT_REFUSED,
			"%s: was recorded by another release of hakctl, which can read it", path);
	recording->places = head.places;
	return true;
}

static bool write_head(struct recording *recording, const char *path, uint64_t bytes,
		       struct failure *failure)
{
	struct head head = { .record_bytes = sizeof(struct recording_look),
			     .ledger_bytes = sizeof(struct control_ledger) };

	memcpy(head.magic, magic, sizeof(magic));
	head.places = bytes / sizeof(struct recording_look);
	recording->places = head.places;
	if (pwrite(recording->file, &head, sizeof(head), 0) == (ssize_t)sizeof(head))
		return true;
	return fails(failure, path);
}

static void note_number(const struct recording_look *record, void *argument)
{
	uint64_t *number = argument;

	*number = record->number > *number ? record->number : *number;
}

bool recording_begin(struct recording *recording, const char *path, uint64_t bytes,
		     struct failure *failure)
{
	struct stat status;
	bool done;

	*recording = (struct recording){
		.file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)
	};
	if (recording->file < 0)
		return fails(failure, path);
	if (flock(recording->file, LOCK_EX | LOCK_NB) != 0)
		done = failure_set(failure, EXIT_REFUSED, "%s: another `hakctl watch` writes to it",
				   path);
	else if (fstat(recording->file, &status) != 0)
		done = fails(failure, path);
	else if (status.st_size == 0)
		done = write_head(recording, path, bytes, failure);
	else
		done = read_head(recording, path, failure) &&
		       recording_visit(recording, note_number, &recording->number, failure);
	if (!done)
		recording_close(recording);
	return done;
}

bool recording_write(struct recording *recording, struct recording_look *record,
		     struct failure *failure)
{
	ssize_t written;

	record->number = recording->number + 1;
	written = pwrite(recording->file, record, sizeof(*record),
			 place_of(recording, record->number));
	if (written != (ssize_t)sizeof(*record)) {
		errno = written < 0 ? errno : ENOSPC;
		return failure_set(failure, EXIT_REFUSED, "cannot write: %s", strerror(errno));
	}
	recording->number++;
	return true;
}

bool recording_open(struct recording *recording, const char *path, struct failure *failure)
{
	*recording = (struct recording){ .file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) };
	if (recording->file < 0)
		return fails(failure, path);
	if (read_head(recording, path, failure))
		return true;
	recording_close(recording);
	return false;
}

bool recording_visit(const struct recording *recording,
		     void (*visit)(const struct recording_look *record, void *argument),
		     void *argument, struct failure *failure)
{
	struct recording_look *record = malloc(sizeof(*record));
	ssize_t got = 0;

	for (uint64_t i = 0; record && i < recording->places; i++) {
		got = pread(recording->file, record, sizeof(*record), place_of(recording, i + 1));
		/* The file ends where the ring has not been filled yet. */
		if (got != (ssize_t)sizeof(*record))
			break;
		if (!record->number || (record->number - 1) % recording->places != i ||
		    record->class_count > CONTROL_SNAPSHOT_CLASSES)
			continue;
		record->title[sizeof(record->title) - 1] = '\0';
		text_clean(record->title);
		visit(record, argument);
	}
	free(record);
	return got >= 0 || failure_set(failure, EXIT_REFUSED, "cannot read: %s", strerror(errno));
}

void recording_close(struct recording *recording)
{
	close(recording->file);
	recording->file = -1;
}

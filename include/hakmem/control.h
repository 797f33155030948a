/* SPDX-License-Identifier: MIT */
/*
 * control.h - what hakctl and the library say to each other: messages of fixed shape over a
 * Unix SOCK_SEQPACKET socket, one struct control_head and a body each, and the snapshot of a
 * process that cannot answer. One machine, one byte order, no padding. Included by the library's
 * control files, hakctl, and whoever writes a tool of his own.
 */
#ifndef HAKMEM_CONTROL_H
#define HAKMEM_CONTROL_H

#include <stddef.h>
#include <stdint.h>

/*
 * The socket is DIR/PID.STARTTIME.sock: PID as the process itself sees it, STARTTIME field 22 of
 * /proc/PID/stat. DIR is the first that serves of $HAKMEM_CONTROL_DIR, /run/hakmem,
 * $XDG_RUNTIME_DIR/hakmem, /tmp/hakmem-UID.
 *
 * A request has a head and one body, 64 KiB at most; more than its kind's body is refused. A
 * reply is one message, or for rows several: each holds rows first … first + rows - 1, and
 * CONTROL_MORE is set in all but the last. Rows may be longer than the reader's struct: it
 * steps by row_bytes and reads what it knows. So fields are added at the end, never moved; what
 * a library does not know is zero. CONTROL_VERSION changes when that is not enough.
 *
 * head, hello and error keep their shape in every version, so that the wrong version can be
 * said clearly to either side.
 */

#define CONTROL_MAGIC		0x6b6168u	/* "hak" */
#define CONTROL_VERSION		1		/* the highest understood … */
#define CONTROL_VERSION_LOWEST	1		/* … and the lowest */

#define CONTROL_REQUEST_BYTES	65536
#define CONTROL_REPLY_BYTES	16384		/* of one message */
#define CONTROL_CLIENTS		4
#define CONTROL_TIMEOUT_MS	2000

enum control_kind {		/* request body → reply */
	CONTROL_HELLO = 1,	/* control_hello → control_hello */
	CONTROL_ERROR = 2,	/* a reply only: control_error */
	CONTROL_STATS = 3,	/* - → control_ledger */
	CONTROL_CLASSES = 4,	/* - → rows of control_class */
	CONTROL_THREADS = 5,	/* - → rows of control_thread */
	CONTROL_NODES = 6,	/* - → rows of control_node */
	CONTROL_MAP = 7,	/* - → rows of control_superslab */
	CONTROL_STRAYS = 8,	/* - → rows of control_stray, oldest first */
	CONTROL_LIST = 9,	/* - → rows of control_setting */
	CONTROL_GET = 10,	/* control_name → one control_setting */
	CONTROL_SET = 11,	/* control_change → one control_setting, as it is now */
	CONTROL_PURGE = 12,	/* control_purge → control_purged */
	CONTROL_LIMIT = 13,	/* control_limit → control_limit, as in force */
	CONTROL_DOCTOR = 14,	/* - → rows of control_rung */
	/* control_profile → the same, as it is now: see control_profile.h */
	CONTROL_PROFILE = 15,
	CONTROL_STACKS = 16,	/* - → rows of control_stack */
	CONTROL_SAMPLES = 17,	/* - → rows of control_sample */
	CONTROL_KIND_END
};

#define CONTROL_MORE	1u	/* flags: another message of this reply follows */

/* Begins every message. */
struct control_head {
	uint32_t magic;
	uint16_t version;	/* of the sender: a request in one unknown gets a control_error */
	uint16_t kind;
	uint32_t bytes;		/* of the whole message, this head included */
	uint32_t serial;	/* the client's choice; its replies carry it too */
	uint32_t first;		/* rows: index of the first one here */
	uint32_t rows;		/* rows: how many are here */
	uint16_t row_bytes;	/* rows: of one; else 0 */
	uint16_t flags;
	uint32_t reserved;
};

struct control_hello {
	uint16_t version_lowest;	/* what the sender understands */
	uint16_t version_highest;
	uint32_t pid;			/* reply: as the process sees itself */
	uint64_t start_time;		/* reply: field 22 of /proc/PID/stat */
	char release[24];		/* reply: of the package, "1.0" */
};

enum control_error_code {
	CONTROL_BAD_VERSION = 1,
	CONTROL_BAD_REQUEST = 2,	/* malformed, truncated, oversized, of no known kind */
	CONTROL_BUSY = 3,		/* all places are taken by other clients */
	CONTROL_NOT_ALLOWED = 4,	/* another user's connection; a knob that cannot be set */
	CONTROL_NO_SUCH_NAME = 5,
	CONTROL_BAD_VALUE = 6,
	CONTROL_NOT_SUPPORTED = 7,	/* not in this build, kernel or state */
};

struct control_error {
	uint16_t code;
	uint16_t version_lowest;	/* what the library understands */
	uint16_t version_highest;
	uint16_t reserved;
	char text[184];			/* one line, no newline, terminated */
};

/*
 * The ledger. "sampled": an unbiased estimate, to be shown with ≈; asked_samples says from how
 * many. All else is counted: exact while nothing allocates, else of a moment. Bytes that
 * say so, and the terms
 *
 *   (asked + rounding + large_rounding) + thread_caches + slabs_free + slabs_untouched + in_transit
 *     + slab_tails + units_free + stock + queued + releasing + large_free_dirty + metadata
 *   = populated + what of all these nobody has touched yet
 *
 * of which asked + rounding (+ large_rounding) = blocks_live + large_live. What is populated is
 * the kernel's word; populated_ns says when it was asked, 0: it was not.
 */
struct control_ledger {
	uint64_t taken_ns;		/* CLOCK_MONOTONIC, when this was taken */
	uint64_t up_ns;			/* since the library was loaded */

	uint64_t asked_bytes;		/* sampled: live, asked for, large blocks included */
	uint64_t asked_samples;
	uint64_t rounding_bytes;	/* sampled: blocks_live + large_live - asked */
	uint64_t blocks_live_bytes;	/* in slabs, as large as their size class */
	uint64_t blocks_live_count;
	uint64_t large_live_bytes;
	uint64_t large_live_count;
	uint64_t thread_caches_bytes;	/* free blocks in bins */
	uint64_t thread_caches_count;	/* of caches, i.e. heaps that have a thread */
	uint64_t slabs_free_bytes;	/* free blocks in slabs, handed out before */
	uint64_t slabs_untouched_bytes;	/* free blocks in slabs that never were */
	uint64_t slab_tails_bytes;	/* of slabs, behind their last block */
	uint64_t slabs_bytes;		/* units in slabs: live, bins, free, tails, in transit */
	uint64_t in_transit_bytes;	/* freed by another thread, on their way home */
	uint64_t units_free_bytes;	/* units in no slab that were used: they may hold pages */
	uint64_t units_clean_bytes;	/* units in no slab, released or never used */
	uint64_t stock_bytes;		/* populated, untaken */
	uint64_t queued_bytes;		/* idle for the decay: goes back next; not in units_free */
	uint64_t releasing_bytes;	/* in flight */
	uint64_t large_free_dirty_bytes;
	uint64_t large_free_clean_bytes;	/* released, or never used */
	uint64_t metadata_bytes;	/* opened for records, bins and caches */
	uint64_t populated_bytes;	/* in the heap and its metadata, as the kernel says */
	uint64_t populated_huge_bytes;	/* of it in huge pages */
	uint64_t populated_ns;		/* CLOCK_MONOTONIC, when it said so */
	uint64_t rss_bytes;		/* of the process, as the kernel says */
	uint64_t armed_bytes;		/* missing, watched for stray accesses; in none of these */
	uint64_t opened_bytes;		/* heap address space that may be touched */
	uint64_t reserved_bytes;	/* heap address space in all */

	uint64_t heap_start;		/* addresses, for a reader of /proc/PID/pagemap */
	uint64_t heap_end;		/* of what is opened */
	uint64_t metadata_start;
	uint64_t metadata_end;

	uint64_t application_calls;	/* memory system calls by the program's threads */
	uint64_t helper_calls;		/* and by helpers */
	uint64_t waits;			/* slow paths of threads for memory, that were timed */
	uint64_t wait_p99_ns;
	uint64_t wait_max_ns;

	uint64_t moved_bytes;		/* arrived ahead, since the start: UFFDIO_MOVE */
	uint64_t copied_bytes;		/* UFFDIO_COPY */
	uint64_t touched_bytes;		/* the helper's own touch */
	uint64_t taken_ahead_bytes;	/* handed to threads populated */
	uint64_t taken_plain_bytes;	/* handed out for the kernel to populate */
	uint64_t dropped_bytes;		/* populated ahead, given back untaken */

	uint64_t released_bytes;	/* given back, since the start: all of */
	uint64_t released_ring_bytes;	/* by io_uring */
	uint64_t released_vector_bytes;	/* by process_madvise */
	uint64_t released_call_bytes;	/* by madvise, the helper's and malloc_trim's */
	uint64_t release_calls;		/* that gave something back; one to the ring counts too */
	uint64_t release_failures;

	uint64_t remote_frees;		/* blocks sent home by other threads */
	uint64_t misplaced_bytes;	/* live on another node than their thread's */
	uint64_t misplaced_moved_bytes;
	uint64_t pinned_bytes;		/* in caches of sleeping threads that could not be seized */
	uint64_t pinned_threads;
	uint64_t strays;		/* touches of memory that nobody was given */
	uint64_t refused;		/* allocations that got NULL */

	uint64_t helper_wakeups;
	uint64_t helper_lag_ns;		/* of the last sleep: how late it woke */
	uint64_t helper_lag_max_ns;

	uint64_t limit_soft_bytes;	/* UINT64_MAX: none */
	uint64_t limit_hard_bytes;
	uint64_t limit_taken_bytes;	/* what counts against them */
	uint32_t limit_action;		/* enum control_limit_action */

	uint32_t threads;		/* heaps that have a thread */
	uint32_t heaps;			/* that were ever made */
	uint32_t nodes;			/* that memory is placed on */
	uint32_t superslabs;
	uint32_t clients;		/* connected to the socket */
	char mode[96];			/* "uffd+move,io_uring,1 node,thp", terminated */
	char notice[160];		/* why not a better one, or empty */
	uint64_t released_trim_bytes;	/* of released_call, by malloc_trim */
	uint64_t homes;			/* nodes that memory may come from */
	uint64_t spilled_bytes;		/* given out of another node's memory, since the start */
	uint64_t brought_bytes; /* pages that came ahead of their use, and are not used: stock,
					 * and some of units_clean and slabs_untouched */
	uint64_t populated_rss_bytes;	/* of the process, at populated_ns; 0: not known */
	/* what the kernel said before populated_ns took so long to say */
	uint64_t populated_pass_ns;
};

struct control_class {
	uint32_t size_bytes;		/* of a block */
	uint32_t slab_bytes;
	uint32_t slab_capacity;		/* blocks */
	uint32_t alignment_only;	/* 1: for aligned requests only */
	uint64_t slabs;			/* capacity × slabs = live + cached + transit + free */
	uint64_t live;			/* blocks */
	uint64_t cached;
	uint64_t in_transit;
	uint64_t free;			/* in slabs, untouched ones included */
	uint64_t untouched;
	uint64_t asked_bytes;		/* sampled: of the live ones */
	uint64_t samples;
};

struct control_thread {
	uint32_t number;		/* of the heap: 0, 1 … in the order they were made */
	uint32_t thread;		/* TID, 0: not known */
	uint32_t state;			/* enum control_thread_state */
	uint32_t node;
	uint64_t slabs_bytes;
	uint64_t live_bytes;		/* blocks in its slabs, whoever uses them */
	uint64_t cached_bytes;
	uint64_t free_bytes;
	uint64_t in_transit_bytes;	/* to it */
	uint64_t remote_frees;		/* sent by it, blocks */
};

enum control_thread_state {
	CONTROL_THREAD_LIVE = 0,
	CONTROL_THREAD_IDLE = 1,	/* the heap waits for a thread */
	CONTROL_THREAD_FROZEN = 2,	/* its thread did not survive a fork */
};

struct control_node {
	uint32_t node;
	uint32_t helper;		/* 1: one runs for it */
	uint64_t opened_bytes;
	uint64_t slabs_bytes;
	uint64_t live_bytes;
	uint64_t stock_bytes;
	uint64_t remote_frees;
	uint64_t misplaced_bytes;
};

enum control_superslab_kind {
	CONTROL_SUPERSLAB_SLABS = 0,	/* units below count */
	CONTROL_SUPERSLAB_STOCK = 1,	/* populated, untaken */
	CONTROL_SUPERSLAB_ARMED = 2,	/* missing, in the helper's hands */
	CONTROL_SUPERSLAB_CLOSED = 3,	/* opened, never used */
	CONTROL_SUPERSLAB_LARGE = 4,	/* of the large range */
	CONTROL_SUPERSLAB_MIXED = 5,	/* large range, partly live */
};

/* 2 MiB from heap_start + index × 2 MiB; index = first + position in the message. */
struct control_superslab {
	uint8_t kind;			/* enum control_superslab_kind */
	uint8_t live_units;		/* of 32, in slabs or live large blocks */
	uint8_t dirty_units;		/* of 32, that were used and not released */
	uint8_t node;
	uint8_t fill;			/* of the slabs' blocks, how many are taken: 0 … 255 */
	uint8_t flags;			/* CONTROL_SUPERSLAB_QUEUED … */
	uint8_t reserved[2];
};

#define CONTROL_SUPERSLAB_QUEUED	1u	/* some of it waits for release */
#define CONTROL_SUPERSLAB_RELEASING	2u

struct control_stray {
	uint64_t when_ns;		/* CLOCK_REALTIME */
	uint64_t address;
	uint32_t thread;
	uint32_t is_write;
	uint32_t class_bytes;		/* of the blocks that were there last; 0: none ever */
	uint32_t reserved;
};

enum control_unit { CONTROL_UNIT_COUNT, CONTROL_UNIT_BYTES, CONTROL_UNIT_NS, CONTROL_UNIT_MS,
		    CONTROL_UNIT_WORD };

#define CONTROL_SETTABLE	1u	/* a knob; else a counter or a gauge */
#define CONTROL_CUMULATIVE	2u	/* only grows: a counter, not a gauge */
#define CONTROL_SAMPLED		4u	/* ≈ */

struct control_setting {
	char name[48];			/* "moved_bytes", terminated */
	uint64_t value;			/* UINT64_MAX for a limit: none */
	uint16_t unit;			/* enum control_unit */
	uint16_t flags;
	uint32_t reserved;
	char text[64];			/* CONTROL_UNIT_WORD: the value */
	char words[64];			/* CONTROL_UNIT_WORD, settable: "report|abort|off" */
	char help[96];			/* one line */
};

struct control_name {
	char name[48];			/* terminated */
};

struct control_change {
	char name[48];			/* terminated */
	char value[64];			/* as in HAKMEM_OPTIONS: "2G", "none", "abort" */
};

#define CONTROL_PURGE_WAIT	1u	/* answer when it is done, or after timeout_ms */
#define CONTROL_PURGE_CACHES	2u	/* thread caches of sleeping threads too */

struct control_purge {
	uint32_t flags;
	uint32_t timeout_ms;		/* 60000 at most */
};

struct control_purged {
	uint64_t released_bytes;	/* since the request, by anybody */
	uint64_t elapsed_ns;
	uint64_t left_bytes;		/* wholly free and not released */
	uint64_t pinned_bytes;		/* in caches that could not be seized */
	uint64_t pinned_threads;
	uint32_t is_done;		/* 0: it goes on */
	uint32_t reserved;
};

enum control_limit_action { CONTROL_LIMIT_NULL, CONTROL_LIMIT_THROTTLE, CONTROL_LIMIT_ABORT };

#define CONTROL_LIMIT_SOFT	1u	/* which fields a request sets; none: it asks */
#define CONTROL_LIMIT_HARD	2u
#define CONTROL_LIMIT_WHAT	4u	/* action */
#define CONTROL_LIMIT_FORCE	8u	/* although the heap holds more, or soft is above hard */

struct control_limit {
	uint64_t soft_bytes;		/* UINT64_MAX: none */
	uint64_t hard_bytes;
	uint32_t action;		/* enum control_limit_action */
	uint32_t set;			/* CONTROL_LIMIT_SOFT | … */
};

enum control_rung_state {
	CONTROL_RUNG_ON = 0,
	CONTROL_RUNG_OFF = 1,		/* refused: error and cause say why */
	CONTROL_RUNG_PARTLY = 2,	/* a slower way is used */
	CONTROL_RUNG_UNKNOWN = 3,	/* not tried yet */
	CONTROL_RUNG_UNWANTED = 4,	/* by an option */
};

/* names: helper, userfaultfd, move, io_uring, process_madvise, huge_pages, numa, seccomp … */
struct control_rung {
	char name[24];
	uint32_t state;			/* enum control_rung_state */
	int32_t error;			/* errno, 0: none */
	char cause[160];		/* one line, or empty */
};

/*
 * The exported symbol hak_snapshot is one of these, for a process that cannot answer. The
 * helper writes it; sequence is odd while it does, and 0 before it ever did. A reader copies
 * it (process_vm_readv) until sequence is the same and even before and after.
 */
#define CONTROL_SNAPSHOT_CLASSES	128

struct control_snapshot {
	uint32_t magic;
	uint16_t version;
	uint16_t row_bytes;		/* of control_class */
	uint32_t bytes;			/* of the whole struct */
	uint32_t ledger_bytes;
	uint64_t sequence;
	uint32_t pid;
	uint32_t class_count;		/* rows of classes in use */
	char socket[120];		/* path of the control socket; empty: there is none */
	char why_no_socket[120];	/* and why */
	struct control_ledger ledger;
	struct control_class classes[CONTROL_SNAPSHOT_CLASSES];
};

/*
 * The exported symbol hak_outline is one of these, and constant: where a library keeps what it
 * counts, in its process, so that hakctl can add it up from outside (process_vm_readv) while there
 * is no helper to ask. What lies there has the shape of the library's own structs: only a hakctl
 * that was built with the same ones (shape, see lib/control/outline.h) reads it.
 */
#define CONTROL_OUTLINE_SHAPE	18

struct control_outline {
	uint32_t magic;
	uint32_t bytes;			/* of this struct */
	uint32_t shape[CONTROL_OUTLINE_SHAPE];
	const void *reservation;	/* struct reservation */
	const void *newest_heap;	/* struct heap * */
	const void *sent_alone;		/* uint32_t, by class */
	const void *superslabs;		/* uint32_t: how many, at most */
	const void *large;		/* struct large_count_totals */
	const void *large_dirty;	/* uint32_t, in units */
	const void *calls;		/* size_t: of the program, of helpers */
	const void *options;		/* struct options */
	const void *rungs;		/* struct control_rung, rung_count of them */
	uint32_t rung_count;
	uint32_t reserved;
};

#if defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
_Static_assert(sizeof(struct control_head) == 32, "fixed in every version");
_Static_assert(offsetof(struct control_head, version) == 4, "fixed in every version");
_Static_assert(sizeof(struct control_hello) == 40, "fixed in every version");
_Static_assert(sizeof(struct control_error) == 192, "fixed in every version");
_Static_assert(offsetof(struct control_error, text) == 8, "fixed in every version");
_Static_assert(offsetof(struct control_ledger, limit_action) % 8 == 0, "no padding");
_Static_assert(offsetof(struct control_ledger, mode) % 8 == 0, "no padding");
_Static_assert(sizeof(struct control_class) == 80, "no padding");
_Static_assert(sizeof(struct control_thread) == 64, "no padding");
_Static_assert(sizeof(struct control_node) == 56, "no padding");
_Static_assert(sizeof(struct control_superslab) == 8, "no padding");
_Static_assert(sizeof(struct control_stray) == 32, "no padding");
_Static_assert(sizeof(struct control_setting) == 288, "no padding");
_Static_assert(sizeof(struct control_change) == 112, "no padding");
_Static_assert(sizeof(struct control_purged) == 48, "no padding");
_Static_assert(sizeof(struct control_limit) == 24, "no padding");
_Static_assert(sizeof(struct control_rung) == 192, "no padding");
_Static_assert(offsetof(struct control_snapshot, ledger) % 8 == 0, "no padding");
_Static_assert(sizeof(struct control_ledger) + sizeof(struct control_head) <= CONTROL_REPLY_BYTES,
	       "one message");
#endif

#endif

/* SPDX-License-Identifier: MIT */
/*
 * snapshot.c - see snapshot.h.
 */
#include <config.h>

#include "control/snapshot.h"

#include <stdatomic.h>
#include <string.h>

#include <hakmem/control.h>

#include "control/control_rows.h"
#include "control/ledger.h"
#include "os/program.h"
#include "support/compiler.h"
#include "support/log.h"
#include "support/size_class.h"

#define AGE_NS	100000000ull

_Static_assert(CLASS_COUNT <= CONTROL_SNAPSHOT_CLASSES, "all classes fit");

/* The shape is in hakmem/control.h; the name is found by its symbol. */
extern struct control_snapshot hak_snapshot;

EXPORT struct control_snapshot hak_snapshot = {
	.magic = CONTROL_MAGIC,
	.version = CONTROL_VERSION,
	.row_bytes = sizeof(struct control_class),
	.bytes = sizeof(struct control_snapshot),
	.ledger_bytes = sizeof(struct control_ledger),
	.why_no_socket = "its helper has not started",
};

static uint64_t written_ns;

/* release, both fences: pairs with copy_whole of hakctl, which reads sequence before and after. */
static void snapshot_begin(void)
{
	hak_snapshot.sequence++;
	atomic_thread_fence(memory_order_seq_cst);
}

static void snapshot_end(void)
{
	atomic_thread_fence(memory_order_seq_cst);
	hak_snapshot.sequence++;
}

void snapshot_refresh(uint64_t now_ns)
{
	static struct control_ledger ledger;
	static struct control_class classes[CONTROL_SNAPSHOT_CLASSES] SPARSE;
	uint32_t count;

	if (written_ns && now_ns < written_ns + AGE_NS)
		return;
	written_ns = now_ns;
	/* Made first, so that the copy is torn for as short as can be. */
	ledger_read(&ledger);
	count = control_rows_fill_classes(classes, 0, control_rows_count_classes());
	snapshot_begin();
	hak_snapshot.pid = (uint32_t)program_id();
	hak_snapshot.class_count = count;
	hak_snapshot.ledger = ledger;
	memcpy(hak_snapshot.classes, classes, count * sizeof(classes[0]));
	snapshot_end();
}

void snapshot_say_socket(const char *path)
{
	log_format_text(hak_snapshot.socket, sizeof(hak_snapshot.socket), "%s", path);
	hak_snapshot.why_no_socket[0] = '\0';
}

/* Before the helper has written anything, sequence stays zero: there is no ledger yet. */
void snapshot_say_why_no_socket(const char *cause)
{
	log_format_text(hak_snapshot.why_no_socket, sizeof(hak_snapshot.why_no_socket), "%s",
			cause);
}

void snapshot_forget(void)
{
	if (!hak_snapshot.sequence && !hak_snapshot.socket[0])
		return;
	written_ns = 0;
	hak_snapshot.sequence = 0;
	hak_snapshot.socket[0] = '\0';
	snapshot_say_why_no_socket("its helper has not started");
}

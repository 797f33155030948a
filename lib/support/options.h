/* SPDX-License-Identifier: MIT */
/*
 * options.h - what the user asked for: /etc/hakmem.conf (key:value pairs, one a line, # comments),
 * then HAKMEM_OPTIONS="key:value,key:value", which set-uid programs ignore. Read once by the
 * library's constructor, then read-only; the defaults are in force before it. A bad key or value is
 * a warning on standard error, never an error.
 *
 * Who may run with whom: anyone reads; the control thread sets what is _Atomic, when hakctl asks.
 */
#ifndef HAKMEM_SUPPORT_OPTIONS_H
#define HAKMEM_SUPPORT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "support/compiler.h"

enum option_helpers { HELPERS_AUTO, HELPERS_ALWAYS, HELPERS_NEVER };
enum option_on_stray_access { ON_STRAY_REPORT, ON_STRAY_ABORT, ON_STRAY_OFF };
enum option_release { RELEASE_MODE_BALANCED, RELEASE_MODE_LATENCY, RELEASE_MODE_MEMORY };
enum option_release_by { RELEASE_BY_AUTO, RELEASE_BY_RING, RELEASE_BY_VECTOR, RELEASE_BY_PLAIN };
enum option_control { CONTROL_AUTO, CONTROL_ALWAYS, CONTROL_OFF };
enum option_large_policy { LARGE_LOCAL, LARGE_INTERLEAVE };
enum option_huge_pages { HUGE_PAGES_AUTO, HUGE_PAGES_NEVER, HUGE_PAGES_ALWAYS };

struct options {
	/* say on standard error what is in force; for checking a setup */
	bool confirm;
	/* heap above it is refused (SIZE_MAX: none); for containers */
	_Atomic size_t limit_hard_bytes;
	/* above it what is idle goes at once (SIZE_MAX: none) */
	_Atomic size_t limit_soft_bytes;
	/* growth of all thread caches together; more for many busy threads */
	_Atomic size_t cache_max_bytes;
	/* never; auto: for a heap that grows fast, with a processor to spare */
	enum option_helpers helpers;
	/* latency: late, whole huge pages only; memory: soon */
	_Atomic enum option_release release;
	/* how memory goes back; to find out what a kernel does best */
	enum option_release_by release_by;
	/* how long free memory stays; longer for bursts that come again */
	_Atomic size_t decay_ms;
	_Atomic enum option_on_stray_access on_stray_access; /* abort: to debug; off: say nothing */
	/*
	 * allocated for each sample of the heap profile (SIZE_MAX: no profile); to see who uses the
	 * memory
	 */
	_Atomic size_t profile_bytes;
	/* every misuse is seen at once, at a price; for what faces attackers */
	bool hardened;
	/* never: a footprint at any price; always: from the first byte */
	enum option_huge_pages huge_pages;
	enum option_large_policy large_policy; /* interleave: large blocks that all nodes read */
	/* always: a helper for small processes too; off: no socket */
	enum option_control control;
	char control_folder[96];	/* where the socket is put; empty: the usual places */
};

extern struct options options HIDDEN;

/* environment: an array of NAME=VALUE ended by NULL, or NULL */
void options_read(char **environment);

/* Parses one list of pairs, for tests and the fuzzer. */
void options_parse(const char *pairs, size_t length);

/* Options one by one, as they are in force, while the process runs. index: below the count. */
enum option_unit { OPTION_BYTES, OPTION_MS, OPTION_WORD };

#define OPTION_WORD_BYTES	64

struct option_view {
	const char *fallback;	/* the default, as text */
	const char *meaning;
	bool can_change;
	enum option_unit unit;
	uint64_t value;		/* UINT64_MAX: none. Of a word: which one */
	char text[96];		/* of a word */
	char words[OPTION_WORD_BYTES];	/* "report|abort|off"; empty: no word */
};

enum option_change { OPTION_CHANGED, OPTION_FIXED, OPTION_BAD_VALUE };

unsigned options_count(void);
const char *options_name(unsigned index);
/* "expected …" */
const char *options_expected(unsigned index);
void options_view(unsigned index, struct option_view *view);
/* relaxed: whoever reads the option meanwhile finds the old value or the new one. */
enum option_change options_change(unsigned index, const char *value);

#endif

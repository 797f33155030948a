/* SPDX-License-Identifier: MIT */
/*
 * last_words.c - see last_words.h. A place is told as backtrace_symbols(3) does, FILE(+OFFSET),
 * which addr2line -e FILE OFFSET reads; it is the return address, behind the call. No system call
 * is made that abort(3) does not make as well: a filter may end the process for another one.
 */
#include <config.h>

#include "entry/last_words.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdint.h>

#include "profile/call_stack.h"
#include "support/compiler.h"
#include "support/log.h"
#include "support/system_call.h"

#define FRAMES_MOST	16

#ifdef HAVE__DL_FIND_OBJECT
/* The program's own name is empty in the loader's list. */
static void say_place(uintptr_t place)
{
	struct dl_find_object found;
	const char *name;

	if (_dl_find_object((void *)(place - 1), &found)) {
		log_warning("  %p", (void *)place);
		return;
	}
	name = found.dlfo_link_map->l_name;
	if (!name[0])
		name = program_invocation_name;
	log_warning("  %s(+%p)", name, (void *)(place - found.dlfo_link_map->l_addr));
}
#else
static void say_place(uintptr_t place)
{
	log_warning("  %p", (void *)place);
}
#endif

static void last_words_say(void)
{
	uint64_t frames[FRAMES_MOST];
	unsigned i, count = call_stack_read(frames, FRAMES_MOST);

	log_warning("in process %u (%s), thread %u%s", (unsigned)system_call(SYS_getpid),
		    program_invocation_short_name, (unsigned)system_call(SYS_gettid),
		    count ? ", called from" : "");
	for (i = 0; i < count; i++)
		say_place((uintptr_t)frames[i]);
}

void last_words_begin(void)
{
	log_set_last_words(last_words_say);
}

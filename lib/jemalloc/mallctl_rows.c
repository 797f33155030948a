/* SPDX-License-Identifier: MIT */
/*
 * mallctl_rows.c - see mallctl_rows.h: the table, and the functions behind its rows. Options that
 * change nothing here have the value that says so.
 */
#include <config.h>

#include "jemalloc/mallctl_rows.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hakmem/hakmem.h>

#include "back/helper_link.h"
#include "jemalloc/jemalloc_conf.h"
#include "jemalloc/mallctl_arenas.h"
#include "jemalloc/mallctl_counts.h"
#include "jemalloc/mallctl_places.h"
#include "control/usage.h"
#include "front/lease.h"
#include "front/thread_cache.h"
#include "support/options.h"
#include "support/page_size.h"

#define NUMBERS	const struct mallctl_numbers *numbers
#define UNUSED	__attribute__((unused))
#define READ(what) \
	static int read_##what(UNUSED NUMBERS, UNUSED size_t parameter, size_t *value)
#define WRITE(what) \
	static int write_##what(UNUSED NUMBERS, UNUSED size_t parameter, UNUSED size_t value)

static size_t text_value(const char *text)
{
	return (size_t)(uintptr_t)text;
}

READ(constant)
{
	*value = parameter;
	return 0;
}

READ(version)
{
	*value = text_value("5.3.0-hakmem-" PACKAGE_VERSION);
	return 0;
}

static _Atomic uint64_t epoch = 1;	/* relaxed: a count */

READ(epoch)
{
	*value = atomic_load_explicit(&epoch, memory_order_relaxed);
	return 0;
}

WRITE(epoch)
{
	atomic_fetch_add_explicit(&epoch, 1, memory_order_relaxed);
	mallctl_counts_refresh();
	return 0;
}

/* The helper is what gives memory back in the background. */
READ(background)
{
	*value = options.helpers != HELPERS_NEVER;
	return 0;
}

/* It is the process's as it began. */
WRITE(background)
{
	return (value != 0) == (options.helpers != HELPERS_NEVER) ? 0 : EPERM;
}

/* What a jemalloc may do as it likes: nothing is done, and the next reading says so. */
WRITE(nothing)
{
	return 0;
}

WRITE(thread_arena)
{
	return value == 0 ? 0 : EAGAIN;
}

WRITE(flush_own_cache)
{
	struct thread_cache *cache = lease_take_own();

	thread_cache_flush_all(cache);
	if (cache)
		lease_put(cache);
	return 0;
}

READ(new_cache)
{
	static _Atomic unsigned last;	/* relaxed: any number will do, for it means nothing */

	*value = atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) % 4000;
	return 0;
}

READ(initialized)
{
	*value = mallctl_arenas_is_whole_heap(numbers->of[0]) || mallctl_arenas_has(numbers->of[0]);
	return mallctl_arenas_is_known(numbers->of[0]) ? 0 : ENOENT;
}

READ(of_arena)
{
	*value = parameter;
	return mallctl_arenas_is_known(numbers->of[0]) ? 0 : ENOENT;
}

WRITE(of_arena)
{
	return mallctl_arenas_is_known(numbers->of[0]) ? 0 : ENOENT;
}

WRITE(purge)
{
	if (!mallctl_arenas_is_known(numbers->of[0]))
		return ENOENT;
	hak_purge();
	mallctl_counts_forget();
	return 0;
}

/* What is due goes without being told, where a helper runs; nowhere else is it looked for. */
WRITE(decay)
{
	if (!helper_link_is_running())
		return write_purge(numbers, 0, 0);
	helper_link_wake();
	return mallctl_arenas_is_known(numbers->of[0]) ? 0 : ENOENT;
}

WRITE(reset)
{
	if (!mallctl_arenas_is_known(numbers->of[0]))
		return ENOENT;
	return mallctl_arenas_reset(numbers->of[0]) ? 0 : EFAULT;
}

WRITE(destroy)
{
	if (!mallctl_arenas_is_known(numbers->of[0]))
		return ENOENT;
	return mallctl_arenas_destroy(numbers->of[0]) ? 0 : EFAULT;
}

/* parameter: 1: of muzzy pages. */
READ(decay_ms)
{
	*value = (size_t)jemalloc_conf_decay_ms(parameter != 0);
	return 0;
}

WRITE(decay_ms)
{
	return jemalloc_conf_set_decay_ms(parameter != 0, (int64_t)value) ? 0 : EFAULT;
}

READ(decay_ms_of_arena)
{
	if (!mallctl_arenas_is_known(numbers->of[0]))
		return ENOENT;
	return read_decay_ms(numbers, parameter, value);
}

/* There is one decay, the whole heap's: an arena of the program's own cannot have another. */
WRITE(decay_ms_of_arena)
{
	if (!mallctl_arenas_is_known(numbers->of[0]))
		return ENOENT;
	if (mallctl_arenas_is_whole_heap(numbers->of[0]))
		return write_decay_ms(numbers, parameter, value);
	return (int64_t)value >= -1 ? 0 : EFAULT;
}

READ(narenas)
{
	*value = mallctl_arenas_count();
	return 0;
}

READ(page)
{
	*value = page_size();
	return 0;
}

READ(new_arena)
{
	*value = mallctl_arenas_create();
	return *value ? 0 : EAGAIN;
}

/* Hooks into how memory is mapped are for other arenas than ours. */
WRITE(new_arena)
{
	return value ? ENOTSUP : 0;
}

READ(bin)
{
	const struct size_class *class;

	if (numbers->of[0] >= CLASS_COUNT)
		return ENOENT;
	if (!hak_nallocx(1, 0))		/* fills the table, where nobody has allocated yet */
		return EAGAIN;
	class = &size_class_table[numbers->of[0]];
	*value = parameter == 0 ? class->size : parameter == 1 ? class->capacity :
								  class->units * UNIT_SIZE;
	return 0;
}

/*
 * Large blocks are of any number of units. Whoever asks for their classes is told jemalloc's, four
 * to a doubling up to the largest that can be asked for; a block of such a size is as large.
 */
#define LARGE_CLASSES	171

READ(large_class)
{
	size_t begin = CLASS_SIZE_MAX << (numbers->of[0] / 4 & 63);

	*value = begin + begin / 4 * (numbers->of[0] % 4 + 1);
	return numbers->of[0] < LARGE_CLASSES ? 0 : ENOENT;
}

READ(count)
{
	*value = mallctl_counts_read((enum mallctl_count)parameter);
	return 0;
}

/* All is in arena 0, or in all together, so that neither is counted twice. */
READ(count_of_arena)
{
	if (!mallctl_arenas_is_known(numbers->of[0]) && numbers->of[0] != MALLCTL_ARENAS_DESTROYED)
		return ENOENT;
	*value = mallctl_arenas_is_whole_heap(numbers->of[0]) ?
			 mallctl_counts_read((enum mallctl_count)parameter) : 0;
	return 0;
}

READ(pages_of_arena)
{
	int error = read_count_of_arena(numbers, parameter, value);

	*value /= page_size();
	return error;
}

READ(blocks_of_bin)
{
	struct usage_class classes[CLASS_COUNT];

	if (!mallctl_arenas_is_known(numbers->of[0]) || numbers->of[1] >= CLASS_COUNT)
		return ENOENT;
	*value = 0;
	if (!mallctl_arenas_is_whole_heap(numbers->of[0]) || !hak_nallocx(1, 0))
		return 0;
	usage_read_classes(classes);
	*value = *(const uint64_t *)((const char *)&classes[numbers->of[1]] + parameter);
	return 0;
}

READ(helper_runs)
{
	*value = helper_link_is_running();
	return 0;
}

/* parameter: where it is. */
READ(option)
{
	*value = *(const bool *)((const char *)&options + parameter);
	return 0;
}

READ(stats_print)
{
	*value = jemalloc_conf_prints_stats();
	return 0;
}

READ(word)
{
	static const char *const words[] = { "disabled", "false", "default", "free", "" };

	*value = text_value(words[parameter]);
	return 0;
}

READ(word_of_arena)
{
	if (!mallctl_arenas_is_known(numbers->of[0]))
		return ENOENT;
	return read_word(numbers, parameter, value);
}

READ(huge_pages)
{
	*value = text_value(options.huge_pages == HUGE_PAGES_NEVER ? "never" :
			    options.huge_pages == HUGE_PAGES_ALWAYS ? "always" : "default");
	return 0;
}

enum { DISABLED, FALSE, DEFAULT, FREE, EMPTY };	/* words */

#define ROW(name, type, read, write, parameter) \
	{ name, MALLCTL_##type, read, write, parameter, NULL }
#define FIXED(name, type, value)	ROW(name, type, read_constant, NULL, value)
#define WORD(name, which)		ROW(name, TEXT, read_word, NULL, which)
#define DONE(name, what)		ROW(name, NOTHING, NULL, write_##what, 0)
#define COUNT(name, count)	ROW("stats." name, SIZE, read_count, NULL, MALLCTL_COUNT_##count)
#define IN_ARENA(name, type, read, what) ROW("stats.arenas.#." name, type, read, NULL, what)
#define BYTES_IN_ARENA(name, count) \
	IN_ARENA(name, SIZE, read_count_of_arena, MALLCTL_COUNT_##count)
#define PAGES_IN_ARENA(name, count) \
	IN_ARENA(name, SIZE, read_pages_of_arena, MALLCTL_COUNT_##count)
#define NONE_IN_ARENA(name)	IN_ARENA(name, SIZE, read_of_arena, 0)
#define OF_BIN(name, member) \
	IN_ARENA("bins.#." name, SIZE, read_blocks_of_bin, offsetof(struct usage_class, member))
#define OF_BLOCKS(name, answer) \
	{ "experimental.utilization." name, MALLCTL_BLOCKS, NULL, NULL, 0, answer }

const struct mallctl_row mallctl_rows[] = {
	ROW("version", TEXT, read_version, NULL, 0),
	ROW("epoch", SIZE, read_epoch, write_epoch, 0),
	ROW("background_thread", BOOL, read_background, write_background, 0),
	ROW("max_background_threads", SIZE, read_constant, write_nothing, 1),

	ROW("thread.arena", UNSIGNED, read_constant, write_thread_arena, 0),
	ROW("thread.tcache.enabled", BOOL, read_constant, write_nothing, true),
	DONE("thread.tcache.flush", flush_own_cache),
	DONE("thread.idle", flush_own_cache),
	ROW("tcache.create", UNSIGNED, read_new_cache, NULL, 0),
	ROW("tcache.flush", UNSIGNED, NULL, write_nothing, 0),
	ROW("tcache.destroy", UNSIGNED, NULL, write_nothing, 0),

	ROW("arena.#.initialized", BOOL, read_initialized, NULL, 0),
	DONE("arena.#.decay", decay),
	DONE("arena.#.purge", purge),
	DONE("arena.#.reset", reset),
	DONE("arena.#.destroy", destroy),
	ROW("arena.#.dss", TEXT, read_word_of_arena, write_of_arena, DISABLED),
	ROW("arena.#.dirty_decay_ms", SIZE, read_decay_ms_of_arena, write_decay_ms_of_arena, 0),
	ROW("arena.#.muzzy_decay_ms", SIZE, read_decay_ms_of_arena, write_decay_ms_of_arena, 1),

	ROW("arenas.narenas", UNSIGNED, read_narenas, NULL, 0),
	ROW("arenas.dirty_decay_ms", SIZE, read_decay_ms, write_decay_ms, 0),
	ROW("arenas.muzzy_decay_ms", SIZE, read_decay_ms, write_decay_ms, 1),
	FIXED("arenas.quantum", SIZE, BLOCK_ALIGNMENT),
	ROW("arenas.page", SIZE, read_page, NULL, 0),
	FIXED("arenas.tcache_max", SIZE, CLASS_SIZE_MAX),
	FIXED("arenas.nbins", UNSIGNED, CLASS_COUNT),
	FIXED("arenas.nhbins", UNSIGNED, CLASS_COUNT),
	ROW("arenas.bin.#.size", SIZE, read_bin, NULL, 0),
	ROW("arenas.bin.#.nregs", UNSIGNED, read_bin, NULL, 1),
	ROW("arenas.bin.#.slab_size", SIZE, read_bin, NULL, 2),
	FIXED("arenas.nlextents", UNSIGNED, LARGE_CLASSES),
	ROW("arenas.lextent.#.size", SIZE, read_large_class, NULL, 0),
	ROW("arenas.create", UNSIGNED, read_new_arena, write_new_arena, 0),

	OF_BLOCKS("query", mallctl_places_query),
	OF_BLOCKS("batch_query", mallctl_places_query_all),

	FIXED("config.cache_oblivious", BOOL, true),
	FIXED("config.debug", BOOL, HAKMEM_DEBUG),
	FIXED("config.fill", BOOL, false),
	FIXED("config.lazy_lock", BOOL, false),
	WORD("config.malloc_conf", EMPTY),
	ROW("config.opt_safety_checks", BOOL, read_option, NULL,
	    offsetof(struct options, hardened)),
	FIXED("config.prof", BOOL, false),
	FIXED("config.prof_libgcc", BOOL, false),
	FIXED("config.prof_libunwind", BOOL, false),
	FIXED("config.stats", BOOL, true),
	FIXED("config.utrace", BOOL, false),
	FIXED("config.xmalloc", BOOL, false),

	FIXED("opt.abort", BOOL, false),
	FIXED("opt.abort_conf", BOOL, false),
	FIXED("opt.cache_oblivious", BOOL, true),
	ROW("opt.confirm_conf", BOOL, read_option, NULL, offsetof(struct options, confirm)),
	WORD("opt.metadata_thp", DISABLED),
	FIXED("opt.trust_madvise", BOOL, false),
	FIXED("opt.retain", BOOL, true),
	WORD("opt.dss", DISABLED),
	FIXED("opt.narenas", UNSIGNED, 1),
	WORD("opt.percpu_arena", DISABLED),
	FIXED("opt.oversize_threshold", SIZE, CLASS_SIZE_MAX),
	ROW("opt.background_thread", BOOL, read_background, NULL, 0),
	FIXED("opt.max_background_threads", SIZE, 1),
	ROW("opt.dirty_decay_ms", SIZE, read_decay_ms, NULL, 0),
	ROW("opt.muzzy_decay_ms", SIZE, read_decay_ms, NULL, 1),
	ROW("opt.stats_print", BOOL, read_stats_print, NULL, 0),
	WORD("opt.stats_print_opts", EMPTY),
	WORD("opt.junk", FALSE),
	FIXED("opt.zero", BOOL, false),
	FIXED("opt.utrace", BOOL, false),
	FIXED("opt.xmalloc", BOOL, false),
	FIXED("opt.tcache", BOOL, true),
	FIXED("opt.tcache_max", SIZE, CLASS_SIZE_MAX),
	ROW("opt.thp", TEXT, read_huge_pages, NULL, 0),
	WORD("opt.zero_realloc", FREE),

	COUNT("allocated", ALLOCATED),
	COUNT("active", ACTIVE),
	COUNT("metadata", METADATA),
	FIXED("stats.metadata_thp", SIZE, 0),
	COUNT("resident", RESIDENT),
	COUNT("mapped", MAPPED),
	COUNT("retained", RETAINED),
	ROW("stats.background_thread.num_threads", SIZE, read_helper_runs, NULL, 0),

	IN_ARENA("nthreads", UNSIGNED, read_count_of_arena, MALLCTL_COUNT_THREADS),
	BYTES_IN_ARENA("uptime", UP_NS),
	IN_ARENA("dss", TEXT, read_word_of_arena, DISABLED),
	IN_ARENA("dirty_decay_ms", SIZE, read_decay_ms_of_arena, 0),
	IN_ARENA("muzzy_decay_ms", SIZE, read_decay_ms_of_arena, 1),
	PAGES_IN_ARENA("pactive", ACTIVE),
	PAGES_IN_ARENA("pdirty", DIRTY),
	NONE_IN_ARENA("pmuzzy"),
	BYTES_IN_ARENA("mapped", MAPPED),
	BYTES_IN_ARENA("retained", RETAINED),
	BYTES_IN_ARENA("base", METADATA),
	NONE_IN_ARENA("internal"),
	NONE_IN_ARENA("metadata_thp"),
	BYTES_IN_ARENA("resident", RESIDENT),
	BYTES_IN_ARENA("tcache_bytes", CACHED),
	BYTES_IN_ARENA("small.allocated", SMALL),
	BYTES_IN_ARENA("large.allocated", LARGE),
	OF_BIN("curregs", live),
	OF_BIN("curslabs", slabs),
	OF_BIN("nonfull_slabs", with_room),
};

const size_t mallctl_rows_count = ARRAY_LENGTH(mallctl_rows);

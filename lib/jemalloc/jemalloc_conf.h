/* SPDX-License-Identifier: MIT */
/*
 * jemalloc_conf.h - jemalloc's options (MALLOC_CONF, and the string malloc_conf of a program): keys
 * that have a meaning here are obeyed, the others named once. hakmem's own options go over them.
 *
 * Who may run with whom: jemalloc_conf_read by the constructor, before options_read; the rest by
 * anyone.
 */
#ifndef HAKMEM_JEMALLOC_JEMALLOC_CONF_H
#define HAKMEM_JEMALLOC_JEMALLOC_CONF_H

#include <stdbool.h>
#include <stdint.h>

/* text: "key:value,key:value"; source names it in warnings. */
void jemalloc_conf_read(const char *text, const char *source);

/* The key stats_print. */
bool jemalloc_conf_prints_stats(void);

/*
 * How long free pages stay: dirty for the one time and muzzy for the other, and then they are given
 * back. Here they are never muzzy: decay_ms is the sum. -1: for ever, which is a day. False: not so
 * long.
 */
int64_t jemalloc_conf_decay_ms(bool muzzy);
bool jemalloc_conf_set_decay_ms(bool muzzy, int64_t ms);

#endif

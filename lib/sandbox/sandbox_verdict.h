/* SPDX-License-Identifier: MIT */
/*
 * sandbox_verdict.h - what a seccomp filter answers to a call, without the call: for those that the
 * program sets itself, whose text is at hand.
 */
#ifndef HAKMEM_SANDBOX_SANDBOX_VERDICT_H
#define HAKMEM_SANDBOX_SANDBOX_VERDICT_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>

/* Of a filter that the kernel has taken, which has checked it: SECCOMP_RET_… with its data. */
uint32_t sandbox_verdict_of(const struct sock_fprog *filter, long number, const long argument[6]);

/* It kills, traps, or asks a supervisor, who may never answer. */
bool sandbox_verdict_is_fatal(uint32_t verdict);

#endif

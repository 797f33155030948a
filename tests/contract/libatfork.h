/* SPDX-License-Identifier: MIT */
/*
 * What libatfork.c exports: two locks that its fork handlers take, registered by a
 * constructor that runs before the preloaded library's.
 */
#ifndef TESTS_CONTRACT_LIBATFORK_H
#define TESTS_CONTRACT_LIBATFORK_H

#include <pthread.h>

/* Of handlers registered by pthread_atfork. */
extern pthread_mutex_t libatfork_mutex;
/*
 * Of handlers that nobody could see being registered, so that they run as the last before a fork.
 */
extern pthread_mutex_t libatfork_last;

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Which thread of a process a heap belongs to. The library knows a thread by its thread pointer;
 * its number lies near it, in what the C library keeps of a thread.
 */
#ifndef HAKCTL_CLIENT_THREAD_IDS_H
#define HAKCTL_CLIENT_THREAD_IDS_H

#include <stddef.h>
#include <stdint.h>

#include "hakctl/client/process.h"

/*
 * Writes the thread's number, as /proc has it here, for each of count thread pointers (0: nobody);
 * 0: it cannot be told. Reads the process's memory, and needs no word of the C library's layout.
 */
void thread_ids_find(const struct process *process, const uint64_t *pointers, size_t count,
		     uint32_t *ids);

/* Its name, as ps -L shows it; "" if it is gone. */
void thread_ids_name(const struct process *process, uint32_t id, char name[32]);

#endif

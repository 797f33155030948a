/* SPDX-License-Identifier: MIT */
/*
 * The machine's NUMA nodes: processors, memory, distances, as numactl --hardware has them, and how
 * often an allocation of the kernel's was not served where it was wanted, as numastat has it.
 */
#ifndef HAKCTL_VERBS_NUMA_MACHINE_H
#define HAKCTL_VERBS_NUMA_MACHINE_H

#include <json-c/json.h>

/* A table on standard output; one line where the kernel tells nothing. */
void numa_machine_print(void);

/* An array of an object a node; bytes, pages since the machine's start; NULL: as above. */
struct json_object *numa_machine_to_json(void);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * control_rows.h - the rows of answers that have several. Each kind says how many there are and
 * fills in some from a first one on; it returns how many it filled, fewer when there are
 * no more. The control thread's alone; no lock.
 */
#ifndef HAKMEM_CONTROL_CONTROL_ROWS_H
#define HAKMEM_CONTROL_CONTROL_ROWS_H

#include <hakmem/control.h>

uint32_t control_rows_count_classes(void);
uint32_t control_rows_fill_classes(void *rows, uint32_t first, uint32_t most);

uint32_t control_rows_count_threads(void);
uint32_t control_rows_fill_threads(void *rows, uint32_t first, uint32_t most);

/* A row for each home of os/topology.h, with the kernel's number of its node. */
uint32_t control_rows_count_nodes(void);
uint32_t control_rows_fill_nodes(void *rows, uint32_t first, uint32_t most);

uint32_t control_rows_count_strays(void);
uint32_t control_rows_fill_strays(void *rows, uint32_t first, uint32_t most);

uint32_t control_rows_count_rungs(void);
uint32_t control_rows_fill_rungs(void *rows, uint32_t first, uint32_t most);

#endif

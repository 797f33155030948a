/* SPDX-License-Identifier: MIT */
/*
 * sandbox.h - asks which system calls a seccomp filter lets through, before the helper makes any:
 * a filter may kill instead of refuse, and nothing but a call tells. What is lost in asking is a
 * copy of the process that was made for it. What a filter kills for is withheld from then on
 * (support/system_call.h), from the helper and from the program's threads.
 *
 * Who may run with whom: sandbox_ask by who starts the helper; the rest anyone, at any time.
 */
#ifndef HAKMEM_SANDBOX_SANDBOX_H
#define HAKMEM_SANDBOX_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Once a process, by a thread that has the filter. False: nothing is known, since no copy could be
 * made.
 */
bool sandbox_ask(void);
bool sandbox_was_asked(void);

/*
 * The program has set a filter itself. What it kills for is withheld from the program's threads,
 * and from a helper that starts from now on.
 */
struct sock_fprog;
void sandbox_note_own(const struct sock_fprog *filter);

/* The calling thread is in seccomp's strict mode, which is no other thread's affair. */
void sandbox_note_strict(void);

/* A filter of the program's own kills for mapping memory: nothing is asked, and nobody started. */
bool sandbox_is_sealed(void);

/* What the helper cannot do without is missing; NULL: nothing is. */
const char *sandbox_obstacle(void);

/*
 * The first of the calls that was refused, or is fatal, by its name; NULL: none was, or nothing is
 * known.
 */
const char *sandbox_missing(const uint16_t *numbers, unsigned count);

/*
 * The filter refuses what separates descriptor tables, and lets a task be started with a copy of
 * one.
 */
bool sandbox_wants_copies(void);

/* The id of the process that asked, as the copy saw it; 0: not known. */
pid_t sandbox_asker(void);

/* One line: what is killed for or refused, by name. Empty: nothing is. */
void sandbox_describe(char *text, size_t bytes);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * program.h - the process whose memory this is, as the helper, which is a process of its own,
 * sees it from outside: which one, whether it is still there, and what the kernel says of it.
 *
 * Who may run with whom: program_is_this and program_note_starter by who starts the helper;
 * program_id and the sandbox by anyone; the rest the helper's tasks, after program_open.
 */
#ifndef HAKMEM_OS_PROGRAM_H
#define HAKMEM_OS_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* In a fork's child: it is another process. */
void program_forget(void);

/*
 * Notes which process this is, the first time: not when it is loaded, since a filter might kill for
 * the asking. as_seen: its id by what somebody else has seen, where it must not ask; 0: not known.
 * False: it is a vfork's child, which borrows its parent's memory, or a copy that nobody told of.
 */
bool program_is_this(pid_t as_seen);

/* By the thread of the program that starts the helper: it is how an exec is noticed. */
void program_note_starter(void);

/*
 * It has set a seccomp filter, which may kill for what the C library has called at its start and
 * would not call again.
 */
void program_note_sandbox(void);
bool program_has_sandboxed_itself(void);

/* Its process id. */
pid_t program_id(void);

/*
 * Opens what the rest reads, before the helper confines itself. Without /proc, or before
 * Linux 5.3, less is known.
 */
void program_open(void);

/*
 * A descriptor that is readable once the program has ended; -1: there is none (before Linux 5.3).
 */
int program_descriptor(void);

/*
 * False: it has ended, or this is no longer its memory, because it has called exec. A load from
 * memory while nothing has happened.
 */
bool program_is_there(void);

/* Its effective user now, not when the helper started. -1: not known. */
uid_t program_user(void);

/*
 * The kernel says that it has more seccomp filters than at program_open, and not by
 * program_note_sandbox; also when it says nothing.
 */
bool program_has_new_filter(void);

/* It has been moved to another cgroup since program_open. */
bool program_has_moved(void);

/* Field 22 of /proc/PID/stat; 0: not known. */
uint64_t program_start_time(void);

/*
 * The environment, by a constructor and what the loader passed it. glibc's passes what main() is
 * passed, also where the program has an environ of its own; musl's passes nothing.
 */
char **program_environment(char **passed);

/* Resident bytes; 0: it does not say. */
uint64_t program_resident_bytes(void);

#endif

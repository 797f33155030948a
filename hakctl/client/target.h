/* SPDX-License-Identifier: MIT */
/*
 * What TARGET on a command line means: a PID, a name, a socket, or with --all every process
 * on hakmem that can be seen. Each comes with its socket, or with the reason why not.
 */
#ifndef HAKCTL_CLIENT_TARGET_H
#define HAKCTL_CLIENT_TARGET_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "hakctl/client/connection.h"
#include "hakctl/output/failure.h"
#include "hakctl/client/process.h"

enum target_state {
	TARGET_READY,	/* has a socket */
	TARGET_STOPPED, /* by a signal or a debugger; its snapshot can be read */
	TARGET_SILENT,	/* on hakmem, without a socket: reason says why */
};

struct target {
	struct process process;
	enum target_state state;
	bool is_mute;	/* of several, the one that did not answer: see roll_call.h */
	bool has_library; /* false: known by its socket alone */
	struct process_library library;
	char socket[PATH_MAX]; /* "": none */
	char reason[400];      /* why it is silent, and what to do */
};

struct target_list {
	struct target *targets; /* by PID */
	size_t count, room;
	size_t unseen; /* processes that this user may not look into */
	enum exit_code missing; /* EXIT_DONE, or why a word of several meant none */
};

/* Every process on hakmem; removes the sockets of those that have ended. */
void target_list_all(struct target_list *list);

/* What one word means: at least one target, or a failure. */
bool target_list_find(struct target_list *list, const char *word,
		      struct failure *failure);

/*
 * For who looks again and again: what each word means now, every process where there is none. What
 * a word means may not have begun yet, or mean others later: that is no failure.
 */
void target_list_find_now(struct target_list *list, char *const *words);

/* Moves the targets of `more` to the end of `list`. */
void target_list_join(struct target_list *list, struct target_list *more);
void target_list_free(struct target_list *list);

/*
 * Opens its socket, and makes sure that it is its own: the one who serves it is the target.
 * A target that is stopped or has no socket is a failure at once.
 */
bool target_connect(const struct target *target, struct connection *connection,
		    struct failure *failure);

/* Has it not ended? One that has been stopped since, or goes on again, is asked in another way. */
bool target_is_there(struct target *target);

/* "4121 (postgres)", for messages; overwritten by the next call. */
const char *target_label(const struct target *target);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * One connection to the control socket of a process. Each call ends within the time-out,
 * whatever the other side does. Versions are agreed on when it is opened.
 */
#ifndef HAKCTL_CLIENT_CONNECTION_H
#define HAKCTL_CLIENT_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <hakmem/control.h>

#include "hakctl/output/failure.h"
#include "hakctl/client/reply.h"

struct connection {
	int socket;		    /* -1: closed */
	bool is_raised;		    /* priority_raise() was called for it */
	pid_t peer;		    /* as seen from here */
	uint32_t serial;	    /* of the last request */
	struct control_hello hello; /* the library's */
};

bool connection_open(struct connection *connection, const char *path,
		     struct failure *failure);
/* As far as without waiting: the library has been asked what it is. For who waits for many. */
bool connection_call(struct connection *connection, const char *path, struct failure *failure);
void connection_close(struct connection *connection);

/* It has had its two seconds. */
bool connection_is_late(struct failure *failure);

/* One request, one reply of fixed shape. timeout_ms 0: the usual two seconds. */
bool connection_ask(struct connection *connection, enum control_kind kind,
		    const void *request, size_t request_bytes, void *body,
		    size_t body_bytes, unsigned timeout_ms, struct failure *failure);

/* A request without a body, whose reply is rows; rows->row_bytes is set by the caller. */
bool connection_ask_rows(struct connection *connection, enum control_kind kind,
			 struct reply_rows *rows, struct failure *failure);

#endif

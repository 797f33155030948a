/* SPDX-License-Identifier: MIT */
/*
 * One connection to the control socket of a process. Each call ends within the time-out, or
 * five times that while rows come, whatever the other side does. Versions are agreed on when it is
 * opened.
 */
#ifndef HAKCTL_CLIENT_CONNECTION_H
#define HAKCTL_CLIENT_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <hakmem/control.h>

#include "hakctl/output/failure.h"
#include "hakctl/client/reply.h"

/* A request that was sent, and whose answer nobody has waited for. */
struct connection_sent {
	uint16_t kind; /* 0: none */
	uint32_t serial;
};

enum { CONNECTION_MOST_SENT = 3 };

struct connection {
	int socket;		    /* -1: closed */
	bool is_raised;		    /* priority_raise() was called for it */
	pid_t peer;		    /* as seen from here */
	uint32_t serial;	    /* of the last request */
	struct control_hello hello; /* the library's */
	struct connection_sent sent[CONNECTION_MOST_SENT]; /* in the order of the answers */
};

bool connection_open(struct connection *connection, const char *path,
		     struct failure *failure);
/* As far as without waiting: the library has been asked what it is. For who waits for many. */
bool connection_call(struct connection *connection, const char *path, struct failure *failure);
/* Its answer, once there is one to be read. */
bool connection_meet(struct connection *connection, struct failure *failure);
/* Sends a request without a body; who asks for it later only waits. */
bool connection_send_ahead(struct connection *connection, enum control_kind kind,
			   struct failure *failure);
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

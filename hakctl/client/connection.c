/* SPDX-License-Identifier: MIT */
/* See connection.h. The messages are those of <hakmem/control.h>; reply.c reads them. */
#include <config.h>

#include "hakctl/client/connection.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "hakctl/client/patience.h"
#include "hakctl/client/priority.h"

/* How connection_ask and _rows differ: where a reply goes. */
struct answer {
	void *body;
	size_t body_bytes;
	struct reply_rows *rows; /* NULL: a body */
};

/* An answer of many parts may take so many times the time of one. */
enum { PARTS_TAKE = 5 };

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The longest name of a socket is short: a deep folder is gone through by a descriptor. */
static bool make_address(const char *path, struct sockaddr_un *address, int *folder)
{
	const char *name = strrchr(path, '/');
	char parent[4096];
	int length;

	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	*folder = -1;
	length = snprintf(address->sun_path, sizeof(address->sun_path), "%s", path);
	if (length < (int)sizeof(address->sun_path))
		return true;
	errno = ENAMETOOLONG;
	if (!name || name - path >= (ptrdiff_t)sizeof(parent))
		return false;
	snprintf(parent, sizeof(parent), "%.*s", (int)(name - path), path);
	*folder = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*folder < 0)
		return false;
	length = snprintf(address->sun_path, sizeof(address->sun_path),
			  "/proc/self/fd/%d/%s", *folder, name + 1);
	if (length < (int)sizeof(address->sun_path))
		return true;
	close(*folder);
	errno = ENAMETOOLONG;
	return false;
}

static bool connect_failed(const char *path, struct failure *failure)
{
	struct stat status;

	switch (errno) {
	case ENOENT:
	case ENOTDIR:
		return failure_set(failure, EXIT_NO_TARGET,
				   "%s: no such socket; `hakctl ps` lists the processes",
				   path);
	case ECONNREFUSED:
		if (stat(path, &status) == 0 && !S_ISSOCK(status.st_mode))
			return failure_set(
				failure, EXIT_NO_TARGET,
				"%s: is no socket; a target is a PID, a name or a control "
				"socket",
				path);
		return failure_set(failure, EXIT_NO_TARGET,
				   "%s: nobody listens there; its process has ended",
				   path);
	case EACCES:
	case EPERM:
		return failure_set(
			failure, EXIT_REFUSED,
			"%s: belongs to another user; run hakctl as that user or as root",
			path);
	case EAGAIN:
		return failure_set(failure, EXIT_REFUSED,
				   "%s: too many clients are waiting; try again", path);
	case EPROTOTYPE:
		return failure_set(failure, EXIT_NO_TARGET,
				   "%s: is not a control socket of hakmem", path);
	default:
		return failure_set(failure, EXIT_REFUSED, "%s: %s", path,
				   strerror(errno));
	}
}

static bool timed_out(struct failure *failure, unsigned timeout_ms)
{
	failure_set(failure, EXIT_REFUSED, "does not answer within %g s",
		    timeout_ms / 1000.0);
	failure->is_timeout = true;
	return false;
}

static bool is_over(struct failure *failure)
{
	return failure_set(failure, EXIT_NO_TARGET,
			   "closed the connection; it has ended, or forbids it");
}

static bool wait_for(int socket_, short events, int64_t deadline_ms)
{
	for (;;) {
		int64_t left = deadline_ms - now_ms();
		struct pollfd descriptor = { .fd = socket_, .events = events };
		int ready = left > 0 ? poll(&descriptor, 1, (int)left) : 0;

		if (ready >= 0 || errno != EINTR)
			return ready > 0;
	}
}

static bool send_request(struct connection *connection, enum control_kind kind,
			 const void *request, size_t request_bytes, int64_t deadline_ms,
			 unsigned timeout_ms, struct failure *failure)
{
	unsigned char message[sizeof(struct control_head) + 1024];
	struct control_head head = {
		.magic = CONTROL_MAGIC,
		.version = CONTROL_VERSION,
		.kind = (uint16_t)kind,
		.bytes = (uint32_t)(sizeof(head) + request_bytes),
		.serial = ++connection->serial,
	};
	uint16_t highest = connection->hello.version_highest;

	/* Once the library has said what it understands: the best of both. */
	if (highest && highest < head.version)
		head.version = highest;
	memcpy(message, &head, sizeof(head));
	if (request_bytes)
		memcpy(message + sizeof(head), request, request_bytes);
	while (send(connection->socket, message, head.bytes, MSG_NOSIGNAL) < 0) {
		if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN)
			return is_over(failure);
		if (errno != EAGAIN && errno != EINTR)
			return failure_set(failure, EXIT_REFUSED, "%s", strerror(errno));
		if (!wait_for(connection->socket, POLLOUT, deadline_ms))
			return timed_out(failure, timeout_ms);
	}
	return true;
}

static bool other_version(const struct connection *connection, unsigned lowest,
			  unsigned highest, struct failure *failure)
{
	bool is_older = highest < CONTROL_VERSION_LOWEST;
	char release[48] = "";

	if (connection->hello.release[0])
		snprintf(release, sizeof(release), " (hakmem %s)",
			 connection->hello.release);
	return failure_set(
		failure, EXIT_REFUSED,
		"its library%s speaks version %u to %u of the protocol, this hakctl %s "
		"version %u to %u: use the %s hakctl that came with that library",
		release, lowest, highest, PACKAGE_VERSION, CONTROL_VERSION_LOWEST,
		CONTROL_VERSION, is_older ? "older" : "newer");
}

static bool is_refused(const struct connection *connection, const struct reply *reply,
		       struct failure *failure)
{
	struct control_error error;

	reply_take_body(reply, &error, sizeof(error));
	if (error.code == CONTROL_BAD_VERSION)
		return other_version(connection, error.version_lowest,
				     error.version_highest, failure);
	if (error.code == CONTROL_BUSY)
		return failure_set(failure, EXIT_REFUSED,
				   "serves %d other clients already; try again",
				   CONTROL_CLIENTS);
	return failure_set(failure, EXIT_REFUSED, "%s",
			   error.text[0] ? error.text : "refused, without a reason");
}

/* The next message that answers the last request; late ones of others are passed over. */
static bool receive(struct connection *connection, enum control_kind kind, uint32_t serial,
		    unsigned char *message, struct reply *reply, int64_t deadline_ms,
		    unsigned timeout_ms, struct failure *failure)
{
	for (;;) {
		ssize_t got = recv(connection->socket, message, CONTROL_REQUEST_BYTES,
				   MSG_TRUNC);

		/* However busily it sends what nobody asked for. */
		if (got > 0 && now_ms() >= deadline_ms)
			return timed_out(failure, timeout_ms);
		if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
			if (!wait_for(connection->socket, POLLIN, deadline_ms))
				return timed_out(failure, timeout_ms);
			continue;
		}
		if (got <= 0)
			return is_over(failure);
		switch (got > CONTROL_REQUEST_BYTES ?
				REPLY_MALFORMED :
				reply_parse(message, (size_t)got, reply)) {
		case REPLY_ERROR:
			return is_refused(connection, reply, failure);
		case REPLY_OTHER_VERSION:
			return other_version(connection, reply->head.version,
					     reply->head.version, failure);
		case REPLY_GOOD:
			if (reply->head.serial != serial)
				continue;
			if (reply->head.kind == kind)
				return true;
			break;
		case REPLY_MALFORMED:
			break;
		}
		return failure_set(
			failure, EXIT_REFUSED,
			"sent a reply that makes no sense; is it a hakmem process?");
	}
}

/* False: it has not been sent. What was sent behind it is answered behind it. */
static bool take_sent(struct connection *connection, enum control_kind kind, uint32_t *serial)
{
	struct connection_sent first = connection->sent[0];

	if (first.kind != kind || !first.kind)
		return false;
	*serial = first.serial;
	memmove(connection->sent, connection->sent + 1,
		sizeof(connection->sent) - sizeof(connection->sent[0]));
	connection->sent[CONNECTION_MOST_SENT - 1] = (struct connection_sent){ 0 };
	return true;
}

/* Its answer comes behind those of all that was sent ahead, which are passed over. */
static bool send_now(struct connection *connection, enum control_kind kind, const void *request,
		     size_t request_bytes, int64_t deadline_ms, unsigned timeout_ms,
		     uint32_t *serial, struct failure *failure)
{
	memset(connection->sent, 0, sizeof(connection->sent));
	if (!send_request(connection, kind, request, request_bytes, deadline_ms, timeout_ms,
			  failure))
		return false;
	*serial = connection->serial;
	return true;
}

static int64_t deadline(unsigned timeout_ms)
{
	return (int64_t)(patience_cut_ns((uint64_t)(now_ms() + timeout_ms) * 1000000u) / 1000000u);
}

static bool ask(struct connection *connection, enum control_kind kind,
		const void *request, size_t request_bytes, const struct answer *answer,
		unsigned timeout_ms, struct failure *failure)
{
	unsigned char message[CONTROL_REQUEST_BYTES];
	struct reply reply;
	int64_t deadline_ms, last_ms;
	uint32_t serial;

	if (!timeout_ms)
		timeout_ms = CONTROL_TIMEOUT_MS;
	deadline_ms = deadline(timeout_ms);
	last_ms = deadline(PARTS_TAKE * timeout_ms);
	if (!(request_bytes == 0 && take_sent(connection, kind, &serial)) &&
	    !send_now(connection, kind, request, request_bytes, deadline_ms, timeout_ms, &serial,
		      failure))
		return false;
	do {
		if (!receive(connection, kind, serial, message, &reply, deadline_ms, timeout_ms,
			     failure))
			return false;
		if (answer->rows && !reply_add_rows(answer->rows, &reply))
			return failure_set(failure, EXIT_REFUSED,
					   "sent rows that do not follow on each other");
		deadline_ms = deadline(timeout_ms) < last_ms ? deadline(timeout_ms) : last_ms;
	} while (answer->rows && reply.head.flags & CONTROL_MORE);
	if (!answer->rows)
		reply_take_body(&reply, answer->body, answer->body_bytes);
	return true;
}

bool connection_ask(struct connection *connection, enum control_kind kind,
		    const void *request, size_t request_bytes, void *body,
		    size_t body_bytes, unsigned timeout_ms, struct failure *failure)
{
	struct answer answer = { .body = body, .body_bytes = body_bytes };

	return ask(connection, kind, request, request_bytes, &answer, timeout_ms,
		   failure);
}

bool connection_ask_rows(struct connection *connection, enum control_kind kind,
			 struct reply_rows *rows, struct failure *failure)
{
	struct answer answer = { .rows = rows };

	return ask(connection, kind, NULL, 0, &answer, 0, failure);
}

static const struct control_hello hello = { .version_lowest = CONTROL_VERSION_LOWEST,
					   .version_highest = CONTROL_VERSION };

static bool take_hello(struct connection *connection, const struct control_hello *theirs,
		       struct failure *failure)
{
	connection->hello = *theirs;
	if (theirs->version_highest < CONTROL_VERSION_LOWEST ||
	    theirs->version_lowest > CONTROL_VERSION)
		return other_version(connection, theirs->version_lowest, theirs->version_highest,
				     failure);
	return true;
}

static bool greet(struct connection *connection, struct failure *failure)
{
	struct control_hello theirs;

	return connection_ask(connection, CONTROL_HELLO, &hello, sizeof(hello), &theirs,
			      sizeof(theirs), 0, failure) &&
	       take_hello(connection, &theirs, failure);
}

bool connection_meet(struct connection *connection, struct failure *failure)
{
	unsigned char message[CONTROL_REQUEST_BYTES];
	struct control_hello theirs;
	struct reply reply;

	if (!receive(connection, CONTROL_HELLO, connection->serial, message, &reply, now_ms() + 1,
		     1, failure))
		return false;
	reply_take_body(&reply, &theirs, sizeof(theirs));
	return take_hello(connection, &theirs, failure);
}

bool connection_send_ahead(struct connection *connection, enum control_kind kind,
			   struct failure *failure)
{
	struct connection_sent *sent = connection->sent;

	while (sent->kind)
		sent++;
	if (!send_request(connection, kind, NULL, 0, 0, 0, failure))
		return false;
	*sent = (struct connection_sent){ (uint16_t)kind, connection->serial };
	return true;
}

static bool connect_to(struct connection *connection, const char *path, struct failure *failure)
{
	struct sockaddr_un address;
	struct ucred peer;
	socklen_t peer_bytes = sizeof(peer);
	int folder, result;

	*connection = (struct connection){ .socket = -1 };
	if (!make_address(path, &address, &folder))
		return connect_failed(path, failure);
	priority_raise();
	connection->is_raised = true;
	connection->socket =
		socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	result =
		connect(connection->socket, (struct sockaddr *)&address, sizeof(address));
	if (folder >= 0) {
		int saved_errno = errno;

		close(folder);
		errno = saved_errno;
	}
	if (result != 0)
		return connect_failed(path, failure);
	if (getsockopt(connection->socket, SOL_SOCKET, SO_PEERCRED, &peer,
		       &peer_bytes) == 0)
		connection->peer = peer.pid;
	return true;
}

bool connection_open(struct connection *connection, const char *path,
		     struct failure *failure)
{
	if (connect_to(connection, path, failure) && greet(connection, failure))
		return true;
	connection_close(connection);
	return false;
}

bool connection_call(struct connection *connection, const char *path, struct failure *failure)
{
	if (connect_to(connection, path, failure) &&
	    send_request(connection, CONTROL_HELLO, &hello, sizeof(hello), 0, 0, failure))
		return true;
	connection_close(connection);
	return false;
}

bool connection_is_late(struct failure *failure)
{
	return timed_out(failure, CONTROL_TIMEOUT_MS);
}

void connection_close(struct connection *connection)
{
	if (connection->socket >= 0)
		close(connection->socket);
	connection->socket = -1;
	if (connection->is_raised)
		priority_lower();
	connection->is_raised = false;
}

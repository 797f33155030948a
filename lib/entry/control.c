/* SPDX-License-Identifier: MIT */
/*
 * control.c - see control.h. What a request means is in control_answer.c, where the socket
 * lies in control_place.c.
 *
 *   connection ── same user or root? ── a place free? ──► client ──► request ──► messages
 *                        │ no                │ no            ▲ next request        │
 *                        ▼ an error          ▼ an error      └─────────────────────┘
 *
 * A client whose socket is full is watched for room and left alone meanwhile; one that makes no
 * room for CONTROL_TIMEOUT_MS is closed. One that asks nothing keeps its place until another
 * wants it.
 */
#include <config.h>

#include "entry/control.h"

#include <errno.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <hakmem/control.h>

#include "entry/control_answer.h"
#include "entry/control_place.h"
#include "entry/control_purge.h"
#include "entry/ledger.h"
#include "entry/snapshot.h"
#include "os/local_socket.h"
#include "os/process.h"
#include "support/compiler.h"
#include "support/options.h"

#define TIMEOUT_NS		((uint64_t)CONTROL_TIMEOUT_MS * 1000000)
#define MESSAGES_PER_TICK	16
#define CONNECTIONS_PER_TICK	8
#define LISTENING		CONTROL_CLIENTS		/* a mark beside those of clients */
#define PENDING_SLEEP_NS	5000000ull		/* while an answer is not ready */
#define NS_PER_SECOND		1000000000ull
#define NS_FOR_EVER		UINT64_MAX

struct client {
	int socket;			/* -1: a free place */
	bool is_full;			/* watched for room, not for requests */
	uint64_t active_ns;		/* when it last asked or took something */
	struct control_answer answer;
};

/* The helper's alone, but for control_init, _forget and _end. */
static struct {
	int listening, poller;		/* -1: there is none */
	bool is_off;			/* set-uid, control:off */
	uint64_t looked_ns;		/* for a filter, the last time */
	_Atomic bool is_filtered;	/* relaxed: a program that filters itself does so long before its end */
	struct client clients[CONTROL_CLIENTS];
} control = { .listening = -1, .poller = -1 };

static char message[CONTROL_REPLY_BYTES] __attribute__((aligned(8)));

void control_init(char **environment)
{
	ledger_init();
	control_forget();
	if (getauxval(AT_SECURE)) {
		control.is_off = true;
		snapshot_say_why_no_socket("a set-uid program");
	} else if (options.control == CONTROL_OFF) {
		control.is_off = true;
		snapshot_say_why_no_socket("control:off");
	} else {
		control_place_init(environment);
	}
}

bool control_wants_helper(void)
{
	return !control.is_off && options.control == CONTROL_ALWAYS;
}

void control_begin(struct event_loop *loop)
{
	if (control.is_off)
		return;
	control.listening = control_place_listen();
	if (control.listening < 0)
		return;
	control.poller = local_socket_poller();
	if (control.poller < 0 ||
	    local_socket_watch(control.poller, control.listening, LISTENING, false) ||
	    event_loop_watch(loop, control.poller) < 0) {
		local_socket_close(control.listening);
		control.listening = -1;
		control_place_remove();
		snapshot_say_why_no_socket("no descriptors left");
		return;
	}
	snapshot_say_socket(control_place_path());
}

static void close_client(struct client *client)
{
	local_socket_close(client->socket);	/* which also ends its being watched */
	client->socket = -1;
	client->answer.kind = 0;
}

static void watch(struct client *client, bool is_full)
{
	if (client->is_full == is_full)
		return;
	client->is_full = is_full;
	local_socket_watch_instead(control.poller, client->socket,
				   (uint32_t)(client - control.clients), is_full);
}

/* Sends what there is to send, as far as there is room. */
static void send_answer(struct client *client, uint64_t now_ns)
{
	unsigned sent;

	for (sent = 0; client->answer.kind && sent < MESSAGES_PER_TICK; sent++) {
		size_t bytes = control_answer_next(&client->answer, message);
		int error;

		if (!bytes)
			return;
		error = local_socket_send(client->socket, message, bytes);
		if (error == -EAGAIN) {
			watch(client, true);
			return;
		}
		if (error) {
			close_client(client);
			return;
		}
		client->active_ns = now_ns;
		control_answer_sent(&client->answer, message);
	}
	if (!client->answer.kind)
		watch(client, false);
}

static void receive(struct client *client, uint64_t now_ns)
{
	char request[CONTROL_ANSWER_REQUEST_BYTES] __attribute__((aligned(8)));
	ssize_t bytes;

	if (client->answer.kind)
		return;
	bytes = local_socket_receive(client->socket, request, sizeof(request));
	if (bytes == -EAGAIN)
		return;
	if (bytes <= 0) {
		close_client(client);
		return;
	}
	client->active_ns = now_ns;
	control_answer_begin(&client->answer, request, (size_t)bytes);
}

/* A free place, or that of a client which has asked nothing for long; NULL: there is none. */
static struct client *find_place(uint64_t now_ns)
{
	struct client *client, *oldest = &control.clients[0];

	for (client = control.clients; client < control.clients + CONTROL_CLIENTS; client++) {
		if (client->socket < 0)
			return client;
		if (client->active_ns < oldest->active_ns)
			oldest = client;
	}
	if (oldest->answer.kind || now_ns < oldest->active_ns + TIMEOUT_NS)
		return NULL;
	close_client(oldest);
	return oldest;
}

/* A word to somebody who gets no place. */
static void turn_away(int socket, uint16_t code, const char *cause)
{
	struct control_answer answer;

	control_answer_refuse(&answer, code, cause);
	local_socket_send(socket, message, control_answer_next(&answer, message));
	local_socket_close(socket);
}

/* False: nobody else waits. */
static bool accept_one(uint64_t now_ns)
{
	struct client *client;
	uid_t user;
	int socket = local_socket_accept(control.listening, &user);

	if (socket < 0)
		return false;
	if (user != 0 && user != geteuid()) {
		turn_away(socket, CONTROL_NOT_ALLOWED,
			  "only root and the user of the process may ask");
		return true;
	}
	client = find_place(now_ns);
	if (!client) {
		turn_away(socket, CONTROL_BUSY, "four others are connected; try again");
		return true;
	}
	*client = (struct client){ .socket = socket, .active_ns = now_ns };
	if (local_socket_watch(control.poller, socket, (uint32_t)(client - control.clients), false))
		close_client(client);
	return true;
}

static void look(uint64_t now_ns)
{
	uint32_t marks[CONTROL_CLIENTS + 1];
	int i, count = local_socket_ready(control.poller, marks, CONTROL_CLIENTS + 1);

	for (i = 0; i < count; i++) {
		unsigned accepted = 0;

		if (marks[i] < CONTROL_CLIENTS && control.clients[marks[i]].socket >= 0)
			receive(&control.clients[marks[i]], now_ns);
		while (marks[i] == LISTENING && accepted++ < CONNECTIONS_PER_TICK &&
		       accept_one(now_ns))
			;
	}
}

/* How long the client's answer may wait; closes a client that does not take it. */
static uint64_t serve(struct client *client, uint64_t now_ns)
{
	uint64_t late_ns = client->active_ns + TIMEOUT_NS;

	if (client->socket < 0 || !client->answer.kind)
		return NS_FOR_EVER;
	send_answer(client, now_ns);
	if (client->socket < 0 || !client->answer.kind)
		return NS_FOR_EVER;
	if (!client->is_full)
		return client->answer.kind == CONTROL_PURGE ? PENDING_SLEEP_NS : 0;
	if (now_ns >= late_ns) {
		close_client(client);
		return NS_FOR_EVER;
	}
	return late_ns - now_ns;
}

/* A filter that came after the helper might kill who removes the socket at the end. */
static void look_for_filter(uint64_t now_ns)
{
	if (control.is_filtered || now_ns < control.looked_ns + NS_PER_SECOND)
		return;
	control.looked_ns = now_ns;
	control.is_filtered = process_is_filtered();
}

uint64_t control_tick(uint64_t now_ns)
{
	uint64_t sleep_ns = NS_FOR_EVER;
	unsigned i;

	snapshot_refresh(now_ns);
	if (control_purge_is_on())
		control_purge_tick(now_ns);
	if (control.listening < 0)
		return NS_FOR_EVER;
	look_for_filter(now_ns);
	look(now_ns);
	for (i = 0; i < CONTROL_CLIENTS; i++) {
		uint64_t client_ns = serve(&control.clients[i], now_ns);

		if (client_ns < sleep_ns)
			sleep_ns = client_ns;
	}
	if (ledger_ask_for_pages() && sleep_ns)
		sleep_ns = 1;
	return sleep_ns;
}

void control_forget(void)
{
	unsigned i;

	/* The descriptors are of the helper's table, which a child does not have. */
	control.listening = control.poller = -1;
	for (i = 0; i < CONTROL_CLIENTS; i++)
		control.clients[i] = (struct client){ .socket = -1 };
	control_place_forget();
	ledger_forget();
	snapshot_forget();
}

void control_end(void)
{
	if (!control.is_filtered)
		control_place_remove();
}

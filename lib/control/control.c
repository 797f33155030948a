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
 *
 * The thread, one of the helper's task, does nothing else. A scheduler that shares a processor
 * among many busy threads holds back who has just run: the helper, which populates and releases,
 * would often be late.
 */
#include <config.h>

#include "control/control.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>

#include <hakmem/control.h>

#include "control/control_answer.h"
#include "control/control_place.h"
#include "control/control_purge.h"
#include "control/ledger.h"
#include "control/page_count.h"
#include "upkeep/rungs.h"
#include "control/snapshot.h"
#include "os/local_socket.h"
#include "sandbox/confine.h"
#include "sandbox/sandbox.h"
#include "os/node.h"
#include "os/process.h"
#include "os/program.h"
#include "os/task.h"
#include "os/thread.h"
#include "support/compiler.h"
#include "support/log.h"
#include "support/options.h"
#include "support/system_call.h"

#define TIMEOUT_NS		((uint64_t)CONTROL_TIMEOUT_MS * 1000000)
#define MESSAGES_PER_TICK	16
#define CONNECTIONS_PER_TICK	8
/* Marks beside those of clients. */
#define LISTENING		CONTROL_CLIENTS
#define PROGRAM			(CONTROL_CLIENTS + 1)
#define MARKS			(CONTROL_CLIENTS + 2)
#define LISTEN_LATER_NS		1000000000ull
#define ORPHAN_LOOK_NS		1000000000ull	/* where the program's end wakes nobody */
#define PENDING_SLEEP_NS	1000000ull		/* while an answer is not ready */
#define TURN_NS			200000ull
#define SLACK_NS		50000ul
#define NS_FOR_EVER		UINT64_MAX
/* The helper has begun by then; threads that grow at once are ahead of it as it is. */
#define HELPER_FIRST_NS		10000000ull

/* What a client is watched for: level-triggered, it would wake us again and again for the rest. */
enum watched {
	FOR_REQUESTS,
	FOR_ROOM,		/* its socket is full */
	FOR_ITS_END,		/* its answer is not ready: the next request waits */
};

struct client {
	int socket;			/* -1: a free place */
	enum watched watched;
	uint64_t active_ns;		/* when it last asked or took something */
	struct control_answer answer;
};

/* The thread's alone, but for what is written before it starts. */
static struct {
	int listening, poller;		/* -1: there is none */
	bool is_off;			/* set-uid, control:off; by the constructor */
	uint64_t listen_ns;		/* when to accept again; 0: now */
	bool is_filtered, may_open;	/* before it starts */
	struct client clients[CONTROL_CLIENTS];
} control = { .listening = -1, .poller = -1 };

static struct task_room room;	/* mapped by who starts the helper */

static char message[CONTROL_REPLY_BYTES] SPARSE;

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

/* The end of the program is noticed here, for the helper may be busy. */
static bool open_poller(void)
{
	control.poller = local_socket_poller();
	if (control.poller < 0)
		return false;
	if (program_descriptor() >= 0)
		local_socket_watch(control.poller, program_descriptor(), PROGRAM, false);
	return true;
}

/*
 * A socket that is there and never answers would be worse than none. True: there is none, and why.
 */
static bool filter_refuses(void)
{
	static const uint16_t calls[] = { SYS_socket,  SYS_bind,       SYS_listen,
					  SYS_accept4, SYS_getsockopt, SYS_recvfrom,
					  SYS_sendto,  SYS_epoll_ctl,  SYS_epoll_pwait };
	const char *missing = sandbox_missing(calls, ARRAY_LENGTH(calls));
	char cause[64];

	if (!missing)
		return false;
	log_format_text(cause, sizeof(cause), "the seccomp filter does not let %s through",
			missing);
	snapshot_say_why_no_socket(cause);
	return true;
}

static void open_socket(void)
{
	if (control.is_off || filter_refuses())
		return;
	control.listening = control_place_listen();
	if (control.listening < 0)
		return;
	if (local_socket_watch(control.poller, control.listening, LISTENING, false)) {
		local_socket_close(control.listening);
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

static void control_watch(struct client *client, enum watched watched)
{
	uint32_t mark = (uint32_t)(client - control.clients);

	if (client->watched == watched)
		return;
	client->watched = watched;
	if (watched == FOR_ITS_END)
		local_socket_watch_end(control.poller, client->socket, mark);
	else
		local_socket_watch_instead(control.poller, client->socket, mark,
					   watched == FOR_ROOM);
}

/* Sends what there is to send, as far as there is room. */
static void send_answer(struct client *client, uint64_t now_ns)
{
	unsigned sent;

	for (sent = 0; client->answer.kind && sent < MESSAGES_PER_TICK; sent++) {
		size_t bytes = control_answer_next(&client->answer, message);
		int error;

		if (!bytes) {
			control_watch(client, FOR_ITS_END);
			return;
		}
		error = local_socket_send(client->socket, message, bytes);
		if (error == -EAGAIN) {
			control_watch(client, FOR_ROOM);
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
		control_watch(client, FOR_REQUESTS);
}

static void receive(struct client *client, uint64_t now_ns)
{
	char request[CONTROL_ANSWER_REQUEST_BYTES] __attribute__((aligned(8)));
	ssize_t bytes;

	if (client->watched == FOR_ITS_END)
		close_client(client);
	if (client->answer.kind || client->socket < 0)
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

/* No descriptor is left, or no memory: whoever waits would wake us at once, for ever. */
static void listen_later(uint64_t now_ns)
{
	local_socket_ignore(control.poller, control.listening, LISTENING);
	control.listen_ns = now_ns + LISTEN_LATER_NS;
}

/* How long that is still to last. */
static uint64_t listen_again(uint64_t now_ns)
{
	if (!control.listen_ns)
		return NS_FOR_EVER;
	if (now_ns < control.listen_ns)
		return control.listen_ns - now_ns;
	control.listen_ns = 0;
	local_socket_watch_instead(control.poller, control.listening, LISTENING, false);
	return NS_FOR_EVER;
}

/* False: nobody else waits. */
static bool accept_one(uint64_t now_ns)
{
	struct client *client;
	uid_t user = (uid_t)-1;
	int socket = local_socket_accept(control.listening, &user);

	if (socket < 0 && socket != -EAGAIN)
		listen_later(now_ns);
	if (socket < 0)
		return false;
	if (user != 0 && user != program_user()) {
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

/* Waits until somebody wants something. False: the poller is lost. */
static bool control_look(uint64_t sleep_ns)
{
	uint64_t most_ns = program_descriptor() < 0 ? ORPHAN_LOOK_NS : NS_FOR_EVER, now_ns;
	uint32_t marks[MARKS];
	int i, count;

	sleep_ns = sleep_ns < most_ns ? sleep_ns : most_ns;
	count = local_socket_wait(control.poller, marks, MARKS,
				  sleep_ns == NS_FOR_EVER ? -1 :
							    (int)((sleep_ns + 999999) / 1000000));
	now_ns = process_now_ns();
	for (i = 0; i < count; i++) {
		unsigned accepted = 0;

		if (marks[i] < CONTROL_CLIENTS && control.clients[marks[i]].socket >= 0)
			receive(&control.clients[marks[i]], now_ns);
		while (marks[i] == LISTENING && accepted++ < CONNECTIONS_PER_TICK &&
		       accept_one(now_ns))
			;
		if (marks[i] == PROGRAM)
			task_end();
	}
	if (count <= 0 && !program_is_there())
		task_end();
	return count >= 0 || count == -EINTR;
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
	if (client->watched != FOR_ROOM)
		return client->answer.kind == CONTROL_PURGE ? PENDING_SLEEP_NS : 0;
	if (now_ns >= late_ns) {
		close_client(client);
		return NS_FOR_EVER;
	}
	return late_ns - now_ns;
}

static uint64_t serve_all(void)
{
	uint64_t now_ns = process_now_ns(), sleep_ns = listen_again(now_ns);
	unsigned i, clients = 0;

	for (i = 0; i < CONTROL_CLIENTS; i++) {
		uint64_t client_ns = serve(&control.clients[i], now_ns);

		clients += control.clients[i].socket >= 0;
		if (client_ns < sleep_ns)
			sleep_ns = client_ns;
	}
	ledger_note_clients(clients);
	return sleep_ns;
}

static void control_run(void *argument)
{
	uint64_t sleep_ns = 0;
	bool is_open;

	(void)argument;
	thread_name("hakmem-control");
	task_guard_stack(&room);
	node_has_no_area();
	if (!control.is_filtered) {
		thread_nap(HELPER_FIRST_NS);
		thread_take_short_turns(TURN_NS);
		/* The helper has more, to sleep well: whoever asks waits. */
		system_call(SYS_prctl, PR_SET_TIMERSLACK, SLACK_NS, 0ul, 0ul, 0ul);
	}
	is_open = control.may_open && open_poller();
	if (is_open)
		open_socket();
	/*
	 * The kernel answers after 15 ms or so: the helper has no time for that while threads grow.
	 */
	rungs_begin_barrier();
	confine_finish();
	while (is_open && control_look(sleep_ns))
		sleep_ns = serve_all();
}

int control_map(const struct task_tls *tls)
{
	return task_map(&room, tls);
}

void control_exempt(void)
{
	system_call_exempt(room.mapping, room.bytes);
}

void control_start(bool is_filtered, bool may_open)
{
	int error;

	control.is_filtered = is_filtered;
	control.may_open = may_open;
	if (!may_open)
		snapshot_say_why_no_socket("no descriptor table of its own (close_range, unshare)");
	error = task_start_thread(&room, control_run, NULL);
	if (error >= 0)
		return;
	snapshot_say_why_no_socket("its control thread could not be started");
	rungs_begin_barrier();
	confine_finish();
}

bool control_is_running(void)
{
	return task_is_alive(&room);
}

void control_forget(void)
{
	unsigned i;

	/* The descriptors are of the thread's own table, which a child does not have. */
	control.listening = control.poller = -1;
	control.listen_ns = 0;
	task_forget(&room);
	for (i = 0; i < CONTROL_CLIENTS; i++)
		control.clients[i] = (struct client){ .socket = -1 };
	control_place_forget();
	control_purge_forget();
	ledger_note_clients(0);
	page_count_forget();
	snapshot_forget();
}

void control_end(void)
{
	control_place_remove();
}

/* SPDX-License-Identifier: MIT */
/*
 * Serves a control socket as a library would, or as one should not: what hakctl says then
 * is what the scripts here ask. `fake_library MODE [SOCKET]` prints the path of its socket
 * and answers until it is killed. It is no allocator; preloaded with libhakmem.so it passes
 * for a process on it.
 *
 *   good     answers everything, with a ledger that adds up
 *   longer   as good, but its structs have grown, as those of a later release may
 *   old new  speaks another version of the protocol; odd: refuses the hello itself
 *   mute     accepts and never answers       busy    has no place left
 *   once     is mute at first, then good
 *   garbage  answers noise                   cut     promises more than it sends
 *   hostile  texts full of escapes, counts that overflow
 *   gone     hangs up in the middle
 */
#include <config.h>

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <hakmem/control.h>

#define MIB ((uint64_t)1 << 20)

static const char *mode;
static struct control_limit limit = { .soft_bytes = UINT64_MAX, .hard_bytes = UINT64_MAX };
static struct control_setting knob = { .name = "on_stray_access",
				       .unit = CONTROL_UNIT_WORD,
				       .flags = CONTROL_SETTABLE,
				       .text = "report",
				       .words = "report|abort|off",
				       .help = "what a stray access does" };

static bool is(const char *name)
{
	return !strcmp(mode, name);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Adds a head and sends; a longer library appends what nobody knows yet. */
static void reply(int client, const struct control_head *request, unsigned kind,
		  const void *body, size_t bytes, unsigned rows, unsigned row_bytes,
		  unsigned flags, unsigned first)
{
	static unsigned char message[CONTROL_REQUEST_BYTES];
	struct control_head head = { .magic = CONTROL_MAGIC,
				     .version = is("old") ? 0 : is("new") ? 9 : 1,
				     .kind = (uint16_t)kind,
				     .serial = request->serial,
				     .first = first,
				     .rows = rows,
				     .row_bytes = (uint16_t)row_bytes,
				     .flags = (uint16_t)flags };
	size_t at = sizeof(head);
	size_t extra = is("longer") && kind != CONTROL_HELLO ? 24 : 0;

	for (unsigned i = 0; i < (rows ? rows : 1); i++) {
		size_t part = rows ? row_bytes : bytes;

		memcpy(message + at, (const char *)body + i * part, part);
		memset(message + at + part, 0xee, extra);
		at += part + extra;
	}
	head.row_bytes = (uint16_t)(rows ? row_bytes + extra : 0);
	head.bytes = (uint32_t)at;
	if (is("cut") && kind != CONTROL_HELLO)
		head.rows = 1u << 20, head.row_bytes = 8;
	memcpy(message, &head, sizeof(head));
	if (is("garbage"))
		memset(message, 0x5a, at);
	send(client, message, at, MSG_NOSIGNAL);
}

static void refuse(int client, const struct control_head *request, unsigned code,
		   const char *text)
{
	struct control_error error = { .code = (uint16_t)code,
				       .version_lowest = is("old") ? 0 : is("odd") ? 7 : 1,
				       .version_highest = is("old") ? 0 : is("odd") ? 8 : 1 };

	snprintf(error.text, sizeof(error.text), "%s", text);
	reply(client, request, CONTROL_ERROR, &error, sizeof(error), 0, 0, 0, 0);
}

static void greet(int client, const struct control_head *request)
{
	struct control_hello hello = { .version_lowest = is("old") ? 0 : is("new") ? 9 : 1,
				       .version_highest = is("old") ? 0 : is("new") ? 9 : 1,
				       .pid = (uint32_t)getpid(),
				       .release = "9.9-fake" };

	if (is("odd"))
		refuse(client, request, CONTROL_BAD_VERSION, "version 1 is not known here");
	else
		reply(client, request, CONTROL_HELLO, &hello, sizeof(hello), 0, 0, 0, 0);
}

/* The example of the documentation, in numbers that add up. */
static struct control_ledger ledger(void)
{
	static uint64_t calls;
	struct control_ledger l = {
		.taken_ns = now_ns(), .up_ns = 273600ull * 1000000000,
		.asked_bytes = 2300 * MIB, .asked_samples = 4600, .rounding_bytes = 92 * MIB,
		.blocks_live_bytes = 1392 * MIB, .blocks_live_count = 5700000,
		.large_live_bytes = 1000 * MIB, .large_live_count = 40,
		.thread_caches_bytes = 84 * MIB, .thread_caches_count = 64,
		.slabs_free_bytes = 100 * MIB, .slabs_untouched_bytes = 40 * MIB,
		.slab_tails_bytes = 4 * MIB, .slabs_bytes = 1620 * MIB,
		.stock_bytes = 210 * MIB, .metadata_bytes = 30 * MIB,
		.populated_bytes = 2820 * MIB, .populated_huge_bytes = 2000 * MIB,
		.rss_bytes = 3164 * MIB, .opened_bytes = 4096 * MIB, .reserved_bytes = MIB << 21,
		.heap_start = 0x100000000000, .heap_end = 0x100100000000,
		.released_bytes = calls * 40 * MIB, .taken_ahead_bytes = calls * 20 * MIB,
		.wait_max_ns = 14000, .limit_soft_bytes = limit.soft_bytes,
		.limit_hard_bytes = limit.hard_bytes, .limit_taken_bytes = 2392 * MIB,
		.limit_action = limit.action, .threads = 64, .heaps = 70, .nodes = 2,
		.superslabs = 1400, .clients = 1, .mode = "uffd+move,io_uring,2 nodes,thp",
	};

	l.populated_ns = l.taken_ns;
	l.populated_rss_bytes = l.rss_bytes;
	calls++;
	if (is("hostile")) {
		memset(l.mode, 0x1b, sizeof(l.mode));
		memset(l.notice, 0x9b, sizeof(l.notice));
		l.populated_bytes = l.asked_bytes = l.wait_max_ns = UINT64_MAX;
		l.blocks_live_bytes = UINT64_MAX / 2;
		l.limit_action = 77;
	}
	return l;
}

static void send_classes(int client, const struct control_head *request)
{
	struct control_class rows[48];

	memset(rows, 0, sizeof(rows));
	for (unsigned i = 0; i < 48; i++) {
		rows[i] = (struct control_class){ .size_bytes = 16 * (i + 1),
						  .slab_bytes = 65536,
						  .slab_capacity = 65536 / (16 * (i + 1)),
						  .slabs = 10 + i % 7,
						  .cached = 3 };
		rows[i].live = rows[i].slab_capacity * (9 + i % 7);
		rows[i].free = rows[i].slab_capacity * rows[i].slabs - rows[i].live - 3;
	}
	/* Two messages. */
	reply(client, request, CONTROL_CLASSES, rows, 0, 30, sizeof(rows[0]), CONTROL_MORE, 0);
	reply(client, request, CONTROL_CLASSES, rows + 30, 0, 18, sizeof(rows[0]), 0, 30);
}

static void send_rows(int client, const struct control_head *request)
{
	struct control_thread threads[2] = {
		{ .number = 0, .thread = (uint32_t)getpid(), .live_bytes = 700 * MIB,
		  .slabs_bytes = 720 * MIB, .cached_bytes = MIB },
		{ .number = 1, .state = CONTROL_THREAD_IDLE, .node = 1, .live_bytes = 692 * MIB },
	};
	struct control_node nodes[2] = {
		{ .node = 0, .helper = 1, .live_bytes = 1200 * MIB, .opened_bytes = 2048 * MIB },
		{ .node = 1, .live_bytes = 1192 * MIB, .misplaced_bytes = MIB },
	};
	struct control_stray stray = { .when_ns = 1700000000123456789, .address = 0x7f0000001000,
				       .thread = 12, .is_write = 1, .class_bytes = 64 };
	struct control_rung rungs[3] = {
		{ "userfaultfd", CONTROL_RUNG_OFF, EPERM, "a seccomp filter" },
		{ "move", CONTROL_RUNG_ON, 0, "" },
		{ "io_uring", CONTROL_RUNG_PARTLY, ENOSYS, "a slower way" },
	};
	struct control_superslab map[64];

	for (unsigned i = 0; i < 64; i++)
		map[i] = (struct control_superslab){ .kind = (uint8_t)(i % 6),
						     .live_units = (uint8_t)(i % 33),
						     .dirty_units = 32,
						     .fill = (uint8_t)(4 * i) };
	switch (request->kind) {
	case CONTROL_CLASSES: send_classes(client, request); break;
	case CONTROL_THREADS:
		reply(client, request, CONTROL_THREADS, threads, 0, 2, sizeof(threads[0]), 0, 0);
		break;
	case CONTROL_NODES:
		reply(client, request, CONTROL_NODES, nodes, 0, 2, sizeof(nodes[0]), 0, 0);
		break;
	case CONTROL_STRAYS:
		reply(client, request, CONTROL_STRAYS, &stray, 0, 1, sizeof(stray), 0, 0);
		break;
	case CONTROL_DOCTOR:
		reply(client, request, CONTROL_DOCTOR, rungs, 0, 3, sizeof(rungs[0]), 0, 0);
		break;
	case CONTROL_MAP:
		reply(client, request, CONTROL_MAP, map, 0, 64, sizeof(map[0]), 0, 0);
		break;
	default: reply(client, request, CONTROL_LIST, &knob, 0, 1, sizeof(knob), 0, 0);
	}
}

/* GET and SET: a name stands first in both bodies. */
static void serve_knob(int client, const struct control_head *request, const char *body)
{
	const struct control_change *change = (const void *)body;

	if (strcmp(body, knob.name)) {
		refuse(client, request, CONTROL_NO_SUCH_NAME, "there is no such name");
		return;
	}
	if (request->kind == CONTROL_SET) {
		if (strcmp(change->value, "abort") && strcmp(change->value, "off")) {
			refuse(client, request, CONTROL_BAD_VALUE,
			       "on_stray_access is report|abort|off");
			return;
		}
		snprintf(knob.text, sizeof(knob.text), "%s", change->value);
	}
	reply(client, request, request->kind, &knob, sizeof(knob), 0, 0, 0, 0);
}

static void serve(int client, const struct control_head *request, const char *body)
{
	struct control_purged purged = { .released_bytes = 500 * MIB, .elapsed_ns = 3200000,
					 .is_done = 1 };
	const struct control_limit *wanted = (const void *)body;
	struct control_ledger l;

	switch (request->kind) {
	case CONTROL_HELLO: greet(client, request); break;
	case CONTROL_STATS:
		l = ledger();
		reply(client, request, CONTROL_STATS, &l, sizeof(l), 0, 0, 0, 0);
		break;
	case CONTROL_GET:
	case CONTROL_SET: serve_knob(client, request, body); break;
	case CONTROL_PURGE:
		reply(client, request, CONTROL_PURGE, &purged, sizeof(purged), 0, 0, 0, 0);
		break;
	case CONTROL_LIMIT:
		if (wanted->set & CONTROL_LIMIT_SOFT)
			limit.soft_bytes = wanted->soft_bytes;
		if (wanted->set & CONTROL_LIMIT_HARD)
			limit.hard_bytes = wanted->hard_bytes;
		if (wanted->set & CONTROL_LIMIT_WHAT)
			limit.action = wanted->action;
		reply(client, request, CONTROL_LIMIT, &limit, sizeof(limit), 0, 0, 0, 0);
		break;
	default: send_rows(client, request);
	}
}

static bool answer(int client)
{
	static char message[CONTROL_REQUEST_BYTES];
	static unsigned asked;
	struct control_head head;
	ssize_t got = recv(client, message, sizeof(message), 0);

	if (got < (ssize_t)sizeof(head))
		return false;
	memcpy(&head, message, sizeof(head));
	asked++;
	if (is("mute") || (is("once") && asked == 1))
		return true;
	if (is("gone") && head.kind != CONTROL_HELLO)
		return false;
	if (is("busy")) {
		refuse(client, &head, CONTROL_BUSY, "all places are taken");
		return false;
	}
	serve(client, &head, message + sizeof(head));
	return true;
}

static uint64_t start_time(void)
{
	char text[1024];
	unsigned long long start = 0;
	FILE *file = fopen("/proc/self/stat", "r");
	size_t got = file ? fread(text, 1, sizeof(text) - 1, file) : 0;

	text[got] = '\0';
	if (file)
		fclose(file);
	if (got)
		sscanf(strrchr(text, ')') + 1,
		       " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d"
		       " %*d %*d %llu",
		       &start);
	return start;
}

static int open_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int server = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	unlink(path);
	umask(0177);
	if (server < 0 || bind(server, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    listen(server, 4) != 0) {
		perror(path);
		exit(1);
	}
	return server;
}

int main(int argc, char **argv)
{
	struct pollfd polled[9];
	nfds_t count = 1;
	char path[108];

	if (argc < 2)
		return 2;
	mode = argv[1];
	if (argc > 2)
		snprintf(path, sizeof(path), "%s", argv[2]);
	else
		snprintf(path, sizeof(path), "%.60s/%d.%llu.sock", getenv("HAKMEM_CONTROL_DIR"),
			 (int)getpid(), (unsigned long long)start_time());
	polled[0] = (struct pollfd){ .fd = open_socket(path), .events = POLLIN };
	printf("%s\n", path);
	fflush(stdout);
	while (poll(polled, count, -1) > 0) {
		for (nfds_t i = count - 1; i > 0; i--)
			if (polled[i].revents && !answer(polled[i].fd)) {
				close(polled[i].fd);
				polled[i] = polled[--count];
			}
		if (polled[0].revents && count < 9)
			polled[count++] = (struct pollfd){
				.fd = accept(polled[0].fd, NULL, NULL), .events = POLLIN };
	}
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * See client.h.
 */
#include "tests/control/client.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/contract/case.h"
#include "tests/contract/process.h"

enum { HEAR_MS = 5000, LISTEN_MS = 5000, SERIAL = 77 };

static char heard[CONTROL_REPLY_BYTES] __attribute__((aligned(8)));

const struct control_snapshot *snapshot(void)
{
	const struct control_snapshot *found = dlsym(RTLD_DEFAULT, "hak_snapshot");

	CHECK_THAT(found, "the library exports no hak_snapshot");
	return found;
}

static void need_sockets(void)
{
	int one = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (one < 0)
		contract_skip("no socket: %s", strerror(errno));
	close(one);
}

void need_helper_running(void)
{
	socket_path();
	need_madvise();
}

const char *socket_path(void)
{
	const volatile struct control_snapshot *shot = snapshot();
	int ms;

	/* The helper starts in a refill: bins have to become empty. */
	for (ms = 0; ms < LISTEN_MS && !shot->socket[0]; ms += 5) {
		for (size_t i = 1; i < 100 && ms < 500; i++)
			CHECK(malloc(i * 80));
		usleep(5000);
	}
	if (!shot->socket[0]) {
		need_helper_allowed();
		need_sockets();
	}
	CHECK_THAT(shot->socket[0], "no socket: %s", snapshot()->why_no_socket);
	return snapshot()->socket;
}

int client_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int client = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	CHECK(client >= 0 && strlen(path) < sizeof(address.sun_path));
	memcpy(address.sun_path, path, strlen(path));
	if (!connect(client, (struct sockaddr *)&address, sizeof(address)))
		return client;
	close(client);
	return -1;
}

int client_open(void)
{
	int client = client_connect(socket_path());

	CHECK_THAT(client >= 0, "nobody listens at %s", socket_path());
	return client;
}

void client_ask(int client, uint16_t kind, const void *body, size_t bytes)
{
	char request[1024] __attribute__((aligned(8))) = { 0 };
	struct control_head *head = (struct control_head *)request;

	*head = (struct control_head){
		.magic = CONTROL_MAGIC,
		.version = CONTROL_VERSION,
		.kind = kind,
		.bytes = (uint32_t)(sizeof(*head) + bytes),
		.serial = SERIAL,
	};
	if (bytes)
		memcpy(head + 1, body, bytes);
	CHECK(send(client, request, head->bytes, MSG_NOSIGNAL) == (ssize_t)head->bytes);
}

size_t client_hear(int client, void *message)
{
	struct pollfd poller = { .fd = client, .events = POLLIN };
	ssize_t bytes;

	if (poll(&poller, 1, HEAR_MS) <= 0)
		return 0;
	bytes = recv(client, message, CONTROL_REPLY_BYTES, 0);
	return bytes > 0 ? (size_t)bytes : 0;
}

static const struct control_head *hear_whole(int client)
{
	const struct control_head *head = (struct control_head *)heard;
	size_t bytes = client_hear(client, heard);

	CHECK_THAT(bytes >= sizeof(*head), "no answer");
	CHECK(head->magic == CONTROL_MAGIC && head->version == CONTROL_VERSION);
	CHECK(head->bytes == bytes);
	return head;
}

const void *client_request(int client, uint16_t kind, const void *body, size_t bytes)
{
	const struct control_head *head;

	client_ask(client, kind, body, bytes);
	head = hear_whole(client);
	CHECK_THAT(head->kind == kind, "%u was answered by %u: %s", kind, head->kind,
		   ((const struct control_error *)(head + 1))->text);
	CHECK(head->serial == SERIAL && !(head->flags & CONTROL_MORE));
	return head + 1;
}

void client_expect_error(int client, uint16_t kind, const void *body, size_t bytes,
			 uint16_t code)
{
	const struct control_head *head;
	const struct control_error *error;

	client_ask(client, kind, body, bytes);
	head = hear_whole(client);
	error = (const struct control_error *)(head + 1);
	CHECK_THAT(head->kind == CONTROL_ERROR, "kind %u was answered", kind);
	CHECK_THAT(error->code == code, "error %u: %s", error->code, error->text);
	CHECK(error->text[0] && memchr(error->text, 0, sizeof(error->text)));
}

uint32_t client_count_rows(int client, uint16_t kind, uint16_t row_bytes)
{
	const struct control_head *head;
	uint32_t rows = 0;

	client_ask(client, kind, NULL, 0);
	do {
		head = hear_whole(client);
		CHECK_THAT(head->kind == kind, "kind %u was answered by %u", kind, head->kind);
		CHECK(head->first == rows && head->row_bytes == row_bytes);
		CHECK(head->bytes == sizeof(*head) + (size_t)head->rows * row_bytes);
		rows += head->rows;
	} while (head->flags & CONTROL_MORE);
	return rows;
}

struct control_ledger client_stats(int client)
{
	return *(const struct control_ledger *)client_request(client, CONTROL_STATS, NULL, 0);
}

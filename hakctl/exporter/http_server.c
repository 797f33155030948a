/* SPDX-License-Identifier: MIT */
/* See http_server.h; `hakctl metrics --listen` runs it. */
#include <config.h>

#include "hakctl/exporter/http_server.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "hakctl/output/gzip.h"

enum { MOST_CLIENTS = 16, REQUEST_BYTES = 8192, PATIENCE_MS = 5000 };

struct client {
	int socket; /* -1: the place is free */
	int64_t deadline_ms;
	char request[REQUEST_BYTES];
	size_t request_bytes;
	char *reply; /* NULL: the request is still being read */
	size_t reply_bytes, sent_bytes;
};

struct server {
	int socket;
	struct client clients[MOST_CLIENTS];
	http_page_maker *make;
	void *argument;
};

static volatile sig_atomic_t is_ended;

static void end(int signal_)
{
	(void)signal_;
	is_ended = 1;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void drop(struct client *client)
{
	close(client->socket);
	free(client->reply);
	client->socket = -1;
	client->reply = NULL;
}

static void admit(struct server *server)
{
	int socket_ = accept4(server->socket, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct client *place = NULL;

	if (socket_ < 0)
		return;
	/* When all places are taken, the one nearest its end has to go. */
	for (int i = 0; i < MOST_CLIENTS; i++) {
		struct client *client = &server->clients[i];

		if (client->socket < 0) {
			place = client;
			break;
		}
		if (!place || client->deadline_ms < place->deadline_ms)
			place = client;
	}
	if (place->socket >= 0)
		drop(place);
	*place = (struct client){ .socket = socket_,
				  .deadline_ms = now_ms() + PATIENCE_MS };
}

static void reply(struct client *client, const char *status, const char *extra,
		  const struct http_page *page, bool with_body)
{
	FILE *out = open_memstream(&client->reply, &client->reply_bytes);

	if (!out) {
		drop(client);
		return;
	}
	fprintf(out,
		"HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s"
		"Connection: close\r\nX-Content-Type-Options: nosniff\r\n\r\n",
		status, page->type, page->bytes, extra);
	if (with_body)
		fwrite(page->text, 1, page->bytes, out);
	fclose(out);
	client->sent_bytes = 0;
}

static void reply_text(struct client *client, const char *status, const char *extra,
		       const char *text)
{
	struct http_page page = { "text/plain; charset=utf-8", (char *)text,
				  strlen(text) };

	reply(client, status, extra, &page, true);
}

/* The value of a header, copied; "" if there is none. The first line is passed over. */
static void find_header(const char *request, const char *name, char *value, size_t bytes)
{
	const char *line = request;

	value[0] = '\0';
	while ((line = strstr(line, "\r\n"))) {
		line += 2;
		if (strncasecmp(line, name, strlen(name)) || line[strlen(name)] != ':')
			continue;
		line += strlen(name) + 1;
		line += strspn(line, " \t");
		snprintf(value, bytes, "%.*s", (int)strcspn(line, "\r\n"), line);
		return;
	}
}

/* Packed, if the client takes that: a page of metrics is a tenth then. */
static void reply_page(struct client *client, const struct http_page *page, bool with_body)
{
	struct http_page packed = { .type = page->type };
	const char *refused;
	char encodings[256];

	find_header(client->request, "Accept-Encoding", encodings, sizeof(encodings));
	refused = strstr(encodings, "gzip;q=0");
	if (!strstr(encodings, "gzip") || (refused && refused[strlen("gzip;q=0")] != '.') ||
	    page->bytes > INT32_MAX) {
		reply(client, "200 OK", "Vary: Accept-Encoding\r\n", page, with_body);
		return;
	}
	packed.text = gzip_pack(page->text, page->bytes, &packed.bytes);
	reply(client, "200 OK", "Vary: Accept-Encoding\r\nContent-Encoding: gzip\r\n", &packed,
	      with_body);
	free(packed.text);
}

static bool path_is(const char *path, const char *wanted)
{
	size_t length = strlen(wanted);

	return !strncmp(path, wanted, length) &&
	       (path[length] == ' ' || path[length] == '?');
}

static void answer(struct server *server, struct client *client)
{
	bool is_head = !strncmp(client->request, "HEAD ", 5);
	const char *path = client->request + (is_head ? 5 : 4);
	struct http_page page = { .text = NULL };
	char accept_[512], query[256] = "";

	if (!is_head && strncmp(client->request, "GET ", 4)) {
		reply_text(client, "405 Method Not Allowed", "Allow: GET, HEAD\r\n",
			   "only GET and HEAD\n");
	} else if (path_is(path, "/")) {
		reply_text(client, "200 OK", "", "hakmem's metrics are at /metrics\n");
	} else if (!path_is(path, "/metrics")) {
		reply_text(client, "404 Not Found", "", "the metrics are at /metrics\n");
	} else {
		find_header(client->request, "Accept", accept_, sizeof(accept_));
		if (path[strcspn(path, "? \r\n")] == '?')
			snprintf(query, sizeof(query), "%.*s",
				 (int)strcspn(strchr(path, '?') + 1, " \r\n"),
				 strchr(path, '?') + 1);
		server->make(accept_, query, &page, server->argument);
		reply_page(client, &page, !is_head);
		free(page.text);
		/* Making it may have taken a while; that was not the client's fault. */
		client->deadline_ms = now_ms() + PATIENCE_MS;
	}
}

static void read_request(struct server *server, struct client *client)
{
	size_t room = sizeof(client->request) - 1 - client->request_bytes;
	ssize_t got =
		recv(client->socket, client->request + client->request_bytes, room, 0);

	if (got <= 0) {
		if (got == 0 || (errno != EAGAIN && errno != EINTR))
			drop(client);
		return;
	}
	client->request_bytes += (size_t)got;
	client->request[client->request_bytes] = '\0';
	/* A byte 0 ends the text before its end: that is no request. */
	if (strlen(client->request) != client->request_bytes)
		reply_text(client, "400 Bad Request", "", "not a request\n");
	else if (strstr(client->request, "\r\n\r\n"))
		answer(server, client);
	else if (client->request_bytes == sizeof(client->request) - 1)
		reply_text(client, "431 Request Header Fields Too Large", "",
			   "the request is too long\n");
}

static void send_reply(struct client *client)
{
	ssize_t sent = send(client->socket, client->reply + client->sent_bytes,
			    client->reply_bytes - client->sent_bytes, MSG_NOSIGNAL);

	if (sent < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (sent > 0)
		client->sent_bytes += (size_t)sent;
	if (sent < 0 || client->sent_bytes == client->reply_bytes) {
		/* What came in and was not read would make the kernel discard the reply. */
		shutdown(client->socket, SHUT_WR);
		while (sent >= 0 && recv(client->socket, client->request,
					 sizeof(client->request), MSG_DONTWAIT) > 0)
			;
		drop(client);
	}
}

static void serve_round(struct server *server)
{
	struct pollfd polled[MOST_CLIENTS + 1] = { { .fd = server->socket,
						     .events = POLLIN } };
	int64_t now = now_ms();
	int timeout_ms = 1000;

	for (int i = 0; i < MOST_CLIENTS; i++) {
		struct client *client = &server->clients[i];

		if (client->socket >= 0 && client->deadline_ms <= now)
			drop(client);
		polled[i + 1].fd = client->socket;
		polled[i + 1].events = client->reply ? POLLOUT : POLLIN;
	}
	if (poll(polled, MOST_CLIENTS + 1, timeout_ms) <= 0)
		return;
	for (int i = 0; i < MOST_CLIENTS; i++) {
		struct client *client = &server->clients[i];

		if (!polled[i + 1].revents || client->socket < 0)
			continue;
		if (client->reply)
			send_reply(client);
		else
			read_request(server, client);
	}
	if (polled[0].revents)
		admit(server);
}

/* "HOST:PORT" cut in two; the host is NULL for the loopback. */
static bool split(char *address, char **host, char **port)
{
	char *colon = strrchr(address, ':');

	*host = NULL;
	*port = colon ? colon + 1 : address;
	if (!**port || strspn(*port, "0123456789") != strlen(*port) || strlen(*port) > 5 ||
	    strtoul(*port, NULL, 10) > 65535)
		return false;
	if (!colon || colon == address)
		return true;
	*colon = '\0';
	*host = address;
	if (address[0] == '[') {
		if (colon[-1] != ']')
			return false;
		colon[-1] = '\0';
		*host = address + 1;
	}
	return true;
}

static int listen_at(const struct addrinfo *place)
{
	int one = 1;
	int socket_ =
		socket(place->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (socket_ < 0)
		return -1;
	setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(socket_, place->ai_addr, place->ai_addrlen) == 0 &&
	    listen(socket_, MOST_CLIENTS) == 0)
		return socket_;
	close(socket_);
	return -1;
}

static bool open_socket(const char *address, int *socket_, struct failure *failure)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *places;
	char copy[256];
	char *host, *port;
	int error;

	if (snprintf(copy, sizeof(copy), "%s", address) >= (int)sizeof(copy) ||
	    !split(copy, &host, &port))
		return failure_set(
			failure, EXIT_USAGE,
			"--listen wants PORT or HOST:PORT, with a port of 65535 at most, not \"%s\"",
			address);
	error = getaddrinfo(host ? host : "127.0.0.1", port, &hints, &places);
	if (error)
		return failure_set(failure, EXIT_REFUSED, "%s: %s", address,
				   gai_strerror(error));
	*socket_ = listen_at(places);
	freeaddrinfo(places);
	if (*socket_ < 0)
		return failure_set(failure, EXIT_REFUSED, "cannot listen on %s: %s",
				   address, strerror(errno));
	return true;
}

static void announce(int socket_)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);
	char host[128] = "?", port[16] = "?";

	if (getsockname(socket_, (struct sockaddr *)&address, &length) == 0)
		getnameinfo((struct sockaddr *)&address, length, host, sizeof(host), port,
			    sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV);
	printf("serving http://%s%s%s:%s/metrics\n", strchr(host, ':') ? "[" : "", host,
	       strchr(host, ':') ? "]" : "", port);
	fflush(stdout);
}

bool http_server_run(const char *address, http_page_maker *make, void *argument,
		     struct failure *failure)
{
	static struct server server;
	struct sigaction action = { .sa_handler = end };

	server = (struct server){ .make = make, .argument = argument };
	for (int i = 0; i < MOST_CLIENTS; i++)
		server.clients[i].socket = -1;
	if (!open_socket(address, &server.socket, failure))
		return false;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	announce(server.socket);
	while (!is_ended)
		serve_round(&server);
	for (int i = 0; i < MOST_CLIENTS; i++)
		if (server.clients[i].socket >= 0)
			drop(&server.clients[i]);
	close(server.socket);
	return true;
}

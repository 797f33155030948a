/* SPDX-License-Identifier: MIT */
/*
 * As much of HTTP/1.1 as a scraper needs: GET and HEAD of one page, a connection each. One
 * thread; a client that is slow, rude or asks for too much is dropped after a time and
 * keeps nobody else waiting.
 */
#ifndef HAKCTL_EXPORTER_HTTP_SERVER_H
#define HAKCTL_EXPORTER_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include "hakctl/output/failure.h"

/* What is served at /metrics; made anew for each request. */
struct http_page {
	const char *type; /* of the content */
	char *text;	  /* freed by the server */
	size_t bytes;
};

/*
 * accept: the header of that name, "" if there is none. query: what stands behind "?" in the path,
 * or "".
 */
typedef void http_page_maker(const char *accept, const char *query, struct http_page *page,
			     void *argument);

/*
 * address: "PORT", ":PORT", "HOST:PORT" or "[HOST]:PORT"; no host is the loopback. Prints
 * where it listens and serves until SIGINT or SIGTERM; false: it could not listen.
 */
bool http_server_run(const char *address, http_page_maker *make, void *argument,
		     struct failure *failure);

#endif

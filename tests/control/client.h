/* SPDX-License-Identifier: MIT */
/*
 * A client of the control socket, as good or as rude as a case wants it: the process talks to
 * its own library. No state.
 */
#ifndef TESTS_CONTROL_CLIENT_H
#define TESTS_CONTROL_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hakmem/control.h>

/* The library's snapshot of this process. */
const struct control_snapshot *snapshot(void);

/* Waits until the library listens; its socket's path. Fails the case if it never does. */
const char *socket_path(void);

/* Skips the case where the library listens, but its helper has ended for a refusal. */
void need_helper_running(void);

/* A connection; -1: refused. */
int client_connect(const char *path);
/* The same to this process's own socket; fails the case if it cannot. */
int client_open(void);

void client_ask(int client, uint16_t kind, const void *body, size_t bytes);
/* One message, waited for; 0: the connection was closed, or nothing came for 5 seconds. */
size_t client_hear(int client, void *message);

/* Asks, and expects one message of that kind; returns its body, good until the next call. */
const void *client_request(int client, uint16_t kind, const void *body, size_t bytes);
/* Asks, and expects this error. */
void client_expect_error(int client, uint16_t kind, const void *body, size_t bytes,
			 uint16_t code);
/* Asks for rows and takes all of them; returns how many of row_bytes there were. */
uint32_t client_count_rows(int client, uint16_t kind, uint16_t row_bytes);

struct control_ledger client_stats(int client);

#endif

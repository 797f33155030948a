/* SPDX-License-Identifier: MIT */
/*
 * local_socket.h - Unix sockets of messages (SOCK_SEQPACKET), their directories and their poller:
 * the system calls, nothing else. Only _wait waits. Each returns -errno, or what it says.
 * Nobody's errno is touched.
 */
#ifndef HAKMEM_OS_LOCAL_SOCKET_H
#define HAKMEM_OS_LOCAL_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What a socket's address has room for, terminator included. */
#define LOCAL_SOCKET_PATH_BYTES	108

/*
 * Makes the folder if it is missing (0700) and opens it: a descriptor. Refused are symbolic
 * links (-ELOOP or -ENOTDIR), another user's folder (-EPERM), one that others may enter (-EACCES).
 */
int local_socket_open_folder(const char *path);

int local_socket_remove_path(const char *path);

/* Removes up to most sockets from the folder whose process is gone; path: of the folder. */
void local_socket_remove_stale(int folder, const char *path, unsigned most);

/* A socket that listens at path, mode 0600; what was there before is removed. */
int local_socket_listen(int folder, const char *path, const char *name, int backlog);

/* The next connection, *user: the one at its other end. -EAGAIN: none waits. */
int local_socket_accept(int listening, uid_t *user);

/*
 * A message of at most most bytes; returns its whole length, which may be more: the rest is
 * lost. 0: the other end has closed. -EAGAIN: none is there.
 */
ssize_t local_socket_receive(int socket, void *message, size_t most);

/* All of it or nothing. */
int local_socket_send(int socket, const void *message, size_t bytes);

void local_socket_close(int socket);

/* A descriptor that is readable when one of those added is ready. */
int local_socket_poller(void);
/* write: watch for room to send instead of for messages. mark comes back from _wait. */
int local_socket_watch(int poller, int socket, uint32_t mark, bool write);
int local_socket_watch_instead(int poller, int socket, uint32_t mark, bool write);
/* Only for its end, not for messages: whoever waits for an answer may send the next request. */
int local_socket_watch_end(int poller, int socket, uint32_t mark);
/* Until it is watched again. */
int local_socket_ignore(int poller, int socket, uint32_t mark);
/* Fills marks with what is ready, and returns how many; timeout_ms: -1: waits for ever. */
int local_socket_wait(int poller, uint32_t *marks, int most, int timeout_ms);

#endif

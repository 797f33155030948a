/* SPDX-License-Identifier: MIT */
/*
 * local_socket.c - see local_socket.h.
 */
#include <config.h>

#include "os/local_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define READY_MOST	16
#define FOLDER_BYTES	2048

int local_socket_open_folder(const char *path)
{
	struct stat status;
	int folder, error = 0;

	/* The mode is masked by umask; what is missing from 0700 then shows below. */
	if (mkdir(path, S_IRWXU) && errno != EEXIST)
		return -errno;
	folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder < 0)
		return -errno;
	if (fstat(folder, &status))
		error = -errno;
	else if (status.st_uid != geteuid())
		error = -EPERM;
	else if (status.st_mode & (S_IRWXG | S_IRWXO))
		error = -EACCES;
	if (!error)
		return folder;
	close(folder);
	return error;
}

int local_socket_remove(int folder, const char *name)
{
	return unlinkat(folder, name, 0) ? -errno : 0;
}

int local_socket_remove_path(const char *path)
{
	return unlink(path) ? -errno : 0;
}

static bool set_address(struct sockaddr_un *address, const char *path, const char *name)
{
	size_t path_bytes = strlen(path), name_bytes = strlen(name) + 1;

	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	if (path_bytes + 1 + name_bytes > sizeof(address->sun_path))
		return false;
	memcpy(address->sun_path, path, path_bytes);
	address->sun_path[path_bytes] = '/';
	memcpy(address->sun_path + path_bytes + 1, name, name_bytes);
	return true;
}

static int make_socket(void)
{
	int made = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	return made < 0 ? -errno : made;
}

int local_socket_listen(int folder, const char *path, const char *name, int backlog)
{
	struct sockaddr_un address;
	int listening;

	if (!set_address(&address, path, name))
		return -ENAMETOOLONG;
	listening = make_socket();
	if (listening < 0)
		return listening;
	/* Of a program that this process was before it called exec. */
	unlinkat(folder, name, 0);
	if (bind(listening, (struct sockaddr *)&address, sizeof(address)) ||
	    fchmodat(folder, name, S_IRUSR | S_IWUSR, 0) || listen(listening, backlog)) {
		int error = -errno;

		close(listening);
		return error;
	}
	return listening;
}

/* "PID.STARTTIME.sock" whose process is gone, and nobody listens at it. */
static bool is_stale(const char *path, const char *name)
{
	struct sockaddr_un address;
	char *end;
	long process = strtol(name, &end, 10);
	int probe, refused;

	if (process <= 0 || *end != '.' || strlen(end) < 6 ||
	    strcmp(end + strlen(end) - 5, ".sock") != 0 || kill((pid_t)process, 0) == 0 ||
	    errno != ESRCH || !set_address(&address, path, name))
		return false;
	/* The folder may be shared with processes that are not in sight from here. */
	probe = make_socket();
	if (probe < 0)
		return false;
	refused = connect(probe, (struct sockaddr *)&address, sizeof(address)) && errno == ECONNREFUSED;
	close(probe);
	return refused;
}

struct folder_entry {
	uint64_t inode;
	int64_t offset;
	unsigned short bytes;
	unsigned char type;
	char name[];
};

void local_socket_remove_stale(int folder, const char *path, unsigned most)
{
	char entries[FOLDER_BYTES] __attribute__((aligned(8)));
	long filled, at;

	/* Not readdir(), which allocates. */
	filled = syscall(SYS_getdents64, folder, entries, sizeof(entries));
	while (filled > 0 && most) {
		for (at = 0; at < filled && most; at += ((struct folder_entry *)(entries + at))->bytes) {
			const struct folder_entry *entry = (struct folder_entry *)(entries + at);

			if (is_stale(path, entry->name)) {
				unlinkat(folder, entry->name, 0);
				most--;
			}
		}
		filled = syscall(SYS_getdents64, folder, entries, sizeof(entries));
	}
}

int local_socket_accept(int listening, uid_t *user)
{
	struct ucred peer;
	socklen_t bytes = sizeof(peer);
	int accepted = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (accepted < 0)
		return -errno;
	if (getsockopt(accepted, SOL_SOCKET, SO_PEERCRED, &peer, &bytes)) {
		int error = -errno;

		close(accepted);
		return error;
	}
	*user = peer.uid;
	return accepted;
}

ssize_t local_socket_receive(int socket, void *message, size_t most)
{
	ssize_t bytes = recv(socket, message, most, MSG_DONTWAIT | MSG_TRUNC);

	return bytes < 0 ? -errno : bytes;
}

int local_socket_send(int socket, const void *message, size_t bytes)
{
	return send(socket, message, bytes, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

void local_socket_close(int socket)
{
	close(socket);
}

int local_socket_poller(void)
{
	int poller = epoll_create1(EPOLL_CLOEXEC);

	return poller < 0 ? -errno : poller;
}

static int control_poller(int poller, int verb, int socket, uint32_t mark, bool write)
{
	struct epoll_event event = { .events = write ? EPOLLOUT : EPOLLIN, .data.u32 = mark };

	return epoll_ctl(poller, verb, socket, &event) ? -errno : 0;
}

int local_socket_watch(int poller, int socket, uint32_t mark, bool write)
{
	return control_poller(poller, EPOLL_CTL_ADD, socket, mark, write);
}

int local_socket_watch_instead(int poller, int socket, uint32_t mark, bool write)
{
	return control_poller(poller, EPOLL_CTL_MOD, socket, mark, write);
}

int local_socket_wait(int poller, uint32_t *marks, int most, int timeout_ms)
{
	struct epoll_event events[READY_MOST];
	int i, count = epoll_wait(poller, events, most < READY_MOST ? most : READY_MOST, timeout_ms);

	for (i = 0; i < count; i++)
		marks[i] = events[i].data.u32;
	return count < 0 ? -errno : count;
}

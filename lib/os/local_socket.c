/* SPDX-License-Identifier: MIT */
/*
 * local_socket.c - see local_socket.h.
 */
#include <config.h>

#include "os/local_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "support/directory_entry.h"
#include "support/number.h"
#include "support/system_call.h"

#define READY_MOST	16
#define FOLDER_BYTES	2048

static bool is_anothers(const struct stat *status)
{
	return status->st_uid != (uid_t)system_call(SYS_geteuid);
}

int local_socket_open_folder(const char *path)
{
	struct stat status;
	long error, folder;

	/* The mode is masked by umask; what is missing from 0700 then shows below. */
	error = system_call(SYS_mkdirat, AT_FDCWD, path, S_IRWXU);
	if (error && error != -EEXIST)
		return (int)error;
	folder = system_call(SYS_openat, AT_FDCWD, path,
			     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
	/* Another user's may not even be opened: root's helper has no rights beyond its user's. */
	if (folder == -EACCES &&
	    !system_call(SYS_newfstatat, AT_FDCWD, path, &status, AT_SYMLINK_NOFOLLOW))
		return is_anothers(&status) ? -EPERM : -EACCES;
	if (folder < 0)
		return (int)folder;
	error = system_call(SYS_fstat, (int)folder, &status);
	if (!error && is_anothers(&status))
		error = -EPERM;
	if (!error && status.st_mode & (S_IRWXG | S_IRWXO))
		error = -EACCES;
	if (!error)
		return (int)folder;
	local_socket_close((int)folder);
	return (int)error;
}

int local_socket_remove_path(const char *path)
{
	return (int)system_call(SYS_unlinkat, AT_FDCWD, path, 0);
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
	return (int)system_call(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC,
				0);
}

int local_socket_listen(int folder, const char *path, const char *name, int backlog)
{
	struct sockaddr_un address;
	int listening;
	long error;

	if (!set_address(&address, path, name))
		return -ENAMETOOLONG;
	listening = make_socket();
	if (listening < 0)
		return listening;
	/* Of a program that this process was before it called exec. */
	system_call(SYS_unlinkat, folder, name, 0);
	error = system_call(SYS_bind, listening, &address, (int)sizeof(address));
	if (!error) {
		/*
		 * A filter may refuse it; nobody else enters the folder, and who connects is asked.
		 */
		system_call(SYS_fchmodat, folder, name, S_IRUSR | S_IWUSR);
		error = system_call(SYS_listen, listening, backlog);
		if (error)
			system_call(SYS_unlinkat, folder, name, 0);
	}
	if (!error)
		return listening;
	local_socket_close(listening);
	return (int)error;
}

/* "PID.STARTTIME.sock" whose process is gone, and nobody listens at it. */
static bool is_stale(const char *path, const char *name)
{
	struct sockaddr_un address;
	const char *end;
	uint64_t process = number_read(name, &end);
	int probe;
	long error;

	if (!process || *end != '.' || strlen(end) < 6 ||
	    strcmp(end + strlen(end) - 5, ".sock") != 0 ||
	    system_call(SYS_kill, (pid_t)process, 0) != -ESRCH ||
	    !set_address(&address, path, name))
		return false;
	/* The folder may be shared with processes that are not in sight from here. */
	probe = make_socket();
	if (probe < 0)
		return false;
	error = system_call(SYS_connect, probe, &address, (int)sizeof(address));
	local_socket_close(probe);
	return error == -ECONNREFUSED;
}

void local_socket_remove_stale(int folder, const char *path, unsigned most)
{
	char entries[FOLDER_BYTES] __attribute__((aligned(8)));
	long filled, at;

	/* Not readdir(), which allocates. */
	filled = system_call(SYS_getdents64, folder, entries, sizeof(entries));
	while (filled > 0 && most) {
		for (at = 0; at < filled && most;
		     at += ((struct directory_entry *)(entries + at))->bytes) {
			const struct directory_entry *entry =
				(struct directory_entry *)(entries + at);

			if (is_stale(path, entry->name)) {
				system_call(SYS_unlinkat, folder, entry->name, 0);
				most--;
			}
		}
		filled = system_call(SYS_getdents64, folder, entries, sizeof(entries));
	}
}

int local_socket_accept(int listening, uid_t *user)
{
	struct ucred peer;
	int bytes = sizeof(peer);
	int accepted = (int)system_call(SYS_accept4, listening, NULL, NULL,
					SOCK_NONBLOCK | SOCK_CLOEXEC);
	long error;

	if (accepted < 0)
		return accepted;
	error = system_call(SYS_getsockopt, accepted, SOL_SOCKET, SO_PEERCRED, &peer, &bytes);
	if (error) {
		local_socket_close(accepted);
		return (int)error;
	}
	*user = peer.uid;
	return accepted;
}

ssize_t local_socket_receive(int socket, void *message, size_t most)
{
	return system_call(SYS_recvfrom, socket, message, most, MSG_DONTWAIT | MSG_TRUNC, NULL,
			   NULL);
}

int local_socket_send(int socket, const void *message, size_t bytes)
{
	long sent = system_call(SYS_sendto, socket, message, bytes, MSG_DONTWAIT | MSG_NOSIGNAL,
				NULL, 0ul);

	return sent < 0 ? (int)sent : 0;
}

void local_socket_close(int socket)
{
	system_call(SYS_close, socket);
}

int local_socket_poller(void)
{
	return (int)system_call(SYS_epoll_create1, EPOLL_CLOEXEC);
}

static int control_poller(int poller, int verb, int socket, uint32_t mark, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.u32 = mark };

	return (int)system_call(SYS_epoll_ctl, poller, verb, socket, &event);
}

int local_socket_watch(int poller, int socket, uint32_t mark, bool write)
{
	return control_poller(poller, EPOLL_CTL_ADD, socket, mark, write ? EPOLLOUT : EPOLLIN);
}

int local_socket_watch_instead(int poller, int socket, uint32_t mark, bool write)
{
	return control_poller(poller, EPOLL_CTL_MOD, socket, mark, write ? EPOLLOUT : EPOLLIN);
}

int local_socket_watch_end(int poller, int socket, uint32_t mark)
{
	return control_poller(poller, EPOLL_CTL_MOD, socket, mark, EPOLLRDHUP);
}

int local_socket_ignore(int poller, int socket, uint32_t mark)
{
	return control_poller(poller, EPOLL_CTL_MOD, socket, mark, 0);
}

int local_socket_wait(int poller, uint32_t *marks, int most, int timeout_ms)
{
	struct epoll_event events[READY_MOST];
	long i, count = system_call(SYS_epoll_pwait, poller, events,
				    most < READY_MOST ? most : READY_MOST, timeout_ms, NULL, 8ul);

	for (i = 0; i < count; i++)
		marks[i] = events[i].data.u32;
	return (int)count;
}

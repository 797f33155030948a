/* SPDX-License-Identifier: MIT */
/*
 * control_place.c - see control_place.h.
 */
#include <config.h>

#include "control/control_place.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <hakmem/control.h>

#include "control/snapshot.h"
#include "os/local_socket.h"
#include "os/program.h"
#include "support/log.h"
#include "support/options.h"

#define STALE_MOST	64
#define CAUSE_BYTES	120

/* From the environment; empty: not set, or too long to be of use. */
static char own_folder[LOCAL_SOCKET_PATH_BYTES], runtime_folder[LOCAL_SOCKET_PATH_BYTES];

static char path[LOCAL_SOCKET_PATH_BYTES];	/* good while is_placed */
static _Atomic bool is_placed;

static void control_place_keep(const char *pair, const char *name,
			       char place[LOCAL_SOCKET_PATH_BYTES])
{
	size_t length = strlen(name);

	if (strncmp(pair, name, length) != 0 || pair[length] != '=' || pair[length + 1] != '/' ||
	    strlen(pair + length + 1) >= LOCAL_SOCKET_PATH_BYTES)
		return;
	strcpy(place, pair + length + 1);
}

void control_place_init(char **environment)
{
	for (; environment && *environment; environment++) {
		control_place_keep(*environment, "HAKMEM_CONTROL_DIR", own_folder);
		control_place_keep(*environment, "XDG_RUNTIME_DIR", runtime_folder);
	}
}

static const char *why(int error)
{
	switch (error) {
	case -EPERM:
		return "it belongs to another user";
	case -EACCES:
		return "others may enter it (0700 is needed), or it cannot be made";
	case -ELOOP:
	case -ENOTDIR:
		return "it is no directory, or a symbolic link";
	case -ENAMETOOLONG:
		return "the path is too long for a socket";
	case -ENOENT:
		return "it is not there, nor what it would be in";
	case -EROFS:
		return "the file system is read-only";
	default:
		return "the system refuses";
	}
}

/* A socket that listens there, or -errno. */
static int try(const char *folder_path)
{
	char name[64];
	int folder, listening;

	folder = local_socket_open_folder(folder_path);
	if (folder < 0)
		return folder;
	local_socket_remove_stale(folder, folder_path, STALE_MOST);
	log_format_text(name, sizeof(name), "%u.%zu.sock", (unsigned)program_id(),
			(size_t)program_start_time());
	listening = local_socket_listen(folder, folder_path, name, CONTROL_CLIENTS);
	if (listening >= 0) {
		log_format_text(path, sizeof(path), "%s/%s", folder_path, name);
		/* release: pairs with control_place_path, of the thread that ends the process */
		atomic_store_explicit(&is_placed, true, memory_order_release);
	}
	local_socket_close(folder);
	return listening;
}

static int try_and_say(const char *folder)
{
	char cause[CAUSE_BYTES];
	int listening = try(folder);

	if (listening >= 0)
		return listening;
	log_format_text(cause, sizeof(cause), "%s: %s", folder, why(listening));
	snapshot_say_why_no_socket(cause);
	return listening;
}

/* Where the user named a folder, no other will do. */
int control_place_listen(void)
{
	char folder[LOCAL_SOCKET_PATH_BYTES];
	int listening;

	if (options.control_folder[0])
		return try_and_say(options.control_folder);
	if (own_folder[0])
		return try_and_say(own_folder);
	listening = try("/run/hakmem");
	if (listening < 0 && runtime_folder[0] &&
	    strlen(runtime_folder) + sizeof("/hakmem") <= sizeof(folder)) {
		log_format_text(folder, sizeof(folder), "%s/hakmem", runtime_folder);
		listening = try(folder);
	}
	if (listening >= 0)
		return listening;
	log_format_text(folder, sizeof(folder), "/tmp/hakmem-%u", (unsigned)program_user());
	return try_and_say(folder);
}

const char *control_place_path(void)
{
	/* acquire: pairs with try */
	return atomic_load_explicit(&is_placed, memory_order_acquire) ? path : "";
}

void control_place_remove(void)
{
	if (control_place_path()[0])
		local_socket_remove_path(path);
	control_place_forget();
}

void control_place_forget(void)
{
	atomic_store_explicit(&is_placed, false, memory_order_relaxed);
}

/* SPDX-License-Identifier: MIT */
/*
 * The probe: opens a userfaultfd, moves one page, then copies one if moving failed, and
 * puts what was refused into words. Called once by the helper and by hakctl's doctor;
 * must not be called where filter_state_is_on() and the user did not insist.
 */
#include <config.h>

#include "kmod-free-helpers/fault_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include "kmod-free-helpers/fault_service.h"
#include "support/filter_state.h"
#include "support/kernel_file.h"
#include "support/page_size.h"
#include "support/system_call.h"

#define PROBE_BYTE 0x5a

static void append(struct fault_probe *probe, const char *text)
{
	size_t length = strlen(probe->reason);
	size_t room = sizeof(probe->reason) - 1 - length;
	size_t count = strlen(text);

	if (count > room)
		count = room;
	memcpy(probe->reason + length, text, count);
	probe->reason[length + count] = '\0';
}

/* Names of the errors these calls give; strerror would translate, and allocate. */
static const char *error_name(int error)
{
	switch (-error) {
	case EPERM:
		return "EPERM";
	case EACCES:
		return "EACCES";
	case ENOSYS:
		return "ENOSYS";
	case EINVAL:
		return "EINVAL";
	case EBUSY:
		return "EBUSY";
	case EMFILE:
		return "EMFILE";
	case ENFILE:
		return "ENFILE";
	case ENOMEM:
		return "ENOMEM";
	case ENOTTY:
		return "ENOTTY";
	case EAGAIN:
		return "EAGAIN";
	case EOPNOTSUPP:
		return "EOPNOTSUPP";
	default:
		return "an unusual error";
	}
}

/* Later kernels let user-mode-only pass whatever the sysctl says; vendors' may not. */
static const char *cause_of_permission(void)
{
	char value[16];

	if (filter_state_is_on())
		return "a seccomp filter, such as a container's default profile";
	if (kernel_file_read("/proc/sys/vm/unprivileged_userfaultfd", value, sizeof(value)) > 0 &&
	    value[0] == '0')
		return "sysctl vm.unprivileged_userfaultfd=0 or a security module";
	return "a security module";
}

static const char *cause_of_open(int error)
{
	switch (-error) {
	case EPERM:
	case EACCES:
		return cause_of_permission();
	case ENOSYS:
		if (filter_state_is_on())
			return "a seccomp filter, or a kernel without userfaultfd";
		return "a kernel built without userfaultfd";
	case EINVAL:
		return "a kernel before 5.11, without user-mode-only";
	case EMFILE:
	case ENFILE:
		return "no descriptor left";
	default:
		return "the kernel";
	}
}

static void explain(struct fault_probe *probe, const char *what, int error,
		    const char *cause)
{
	probe->error = error;
	append(probe, what);
	append(probe, ": ");
	append(probe, error_name(error));
	append(probe, "; likely cause: ");
	append(probe, cause);
}

/* pages: two, the first missing, to be armed; the second written. */
static int try_install(struct fault_service *service, char *pages, bool by_move)
{
	struct fault_install done;
	size_t page = page_size();
	int error = fault_service_arm(service, pages, page);

	if (error)
		return error;
	pages[page] = PROBE_BYTE;
	if (by_move)
		error = fault_service_move(service, pages, pages + page, page, &done);
	else
		error = fault_service_copy(service, pages, pages + page, page, &done);
	fault_service_disarm(service, pages, page);
	/* Disarmed, so that a kernel which lied gives a zero here, no sleeping thread. */
	if (!error && (done.existing_bytes || pages[0] != PROBE_BYTE))
		error = -EIO;
	system_call(SYS_madvise, pages, 2 * page, MADV_DONTNEED);
	return error;
}

/* Pages of their own, not forked: a child of this very moment must not make MOVE fail. */
static char *map_pages(void)
{
	long pages = system_call(SYS_mmap, NULL, 2 * page_size(), PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0ul);

	if (system_call_failed(pages))
		return NULL;
	system_call(SYS_madvise, pages, 2 * page_size(), MADV_DONTFORK);
	return (char *)pages;
}

static void try_ways(struct fault_probe *probe, struct fault_service *service,
		     char *pages)
{
	int error = try_install(service, pages, true);

	if (!error) {
		probe->way = FAULT_PROBE_MOVE;
		append(probe,
		       service->from_device ?
			       "userfaultfd with UFFDIO_MOVE, through /dev/userfaultfd" :
			       "userfaultfd with UFFDIO_MOVE");
		return;
	}
	explain(probe, "UFFDIO_MOVE", error,
		fault_service_has_move(service) ? "the kernel" : "a kernel before 6.8");
	error = try_install(service, pages, false);
	if (!error) {
		probe->way = FAULT_PROBE_COPY;
		return;
	}
	probe->reason[0] = '\0';
	explain(probe, "UFFDIO_COPY", error, "the kernel");
}

void fault_probe_run(struct fault_probe *probe)
{
	struct fault_service service;
	char *pages;
	int error;

	*probe = (struct fault_probe){ .way = FAULT_PROBE_NONE };
	error = fault_service_open(&service, 0);
	if (error) {
		explain(probe, "userfaultfd", error, cause_of_open(error));
		return;
	}
	pages = map_pages();
	if (pages) {
		try_ways(probe, &service, pages);
		system_call(SYS_munmap, pages, 2 * page_size());
	} else {
		explain(probe, "mmap", -ENOMEM, "no address space left");
	}
	fault_service_close(&service);
}

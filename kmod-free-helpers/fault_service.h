/* SPDX-License-Identifier: MIT */
/*
 * Installs pages into ranges, and sees touches of ranges that nobody should touch,
 * through a userfaultfd that serves faults of user mode only. Called by populate*.
 * It knows ranges, never what lies in them; it never waits, allocates, or prints.
 *
 *   open, close                          one thread, nobody else in any other call
 *   arm disarm move copy mend wake       any threads; ranges of two calls do not overlap
 *   read_strays, answer_stray            any threads; a stray is delivered to one of them
 */
#ifndef HAKMEM_FAULT_SERVICE_H
#define HAKMEM_FAULT_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One userfaultfd. Nothing in here changes between open and close, so no field needs a
 * guard. features is what the kernel granted: a subset of what was asked for.
 */
struct fault_service {
	int descriptor;	  /* -1: closed */
	bool from_device; /* opened through /dev/userfaultfd */
	uint64_t features;
	char *zero_page; /* what answer_stray copies from; mapped, read-only */
};

/* A touch of an armed page that is missing. Its thread waits until it is answered. */
struct fault_stray {
	uintptr_t address; /* to the byte from 5.18 on, else of the page */
	int thread;	   /* kernel's thread id; 0: kernel does not say */
	bool write;
};

/*
 * What an install did: moved + existing + (what an error left out) = length. A page that
 * was there already is left alone, so its contents are not the source's.
 */
struct fault_install {
	size_t installed_bytes;
	size_t existing_bytes;
};

/* Leave out MOVE although the kernel has it: for tests, and where its probe failed. */
#define FAULT_SERVICE_WITHOUT_MOVE 1u

int fault_service_open(struct fault_service *service, unsigned int flags);
void fault_service_close(struct fault_service *service);

/* start and length in whole pages; -EBUSY: another userfaultfd has it. */
int fault_service_arm(struct fault_service *service, void *start, size_t length);
int fault_service_disarm(struct fault_service *service, void *start, size_t length);

/*
 * Both fill an armed range and return 0 when every page of it is there. On an error done
 * says how far they came; -EAGAIN: the kernel found it busy too often, try again later;
 * -EBUSY (move): a source page is shared with a fork's child; -EINVAL (move): one of the
 * two is locked (mlockall) and the other is not. Copy the rest instead, then.
 */
int fault_service_move(struct fault_service *service, void *to, void *from, size_t length,
		       struct fault_install *done);
int fault_service_copy(struct fault_service *service, void *to, const void *from,
		       size_t length, struct fault_install *done);

/*
 * Drops what is in 2 MiB of address space, and their page table with it (6.14), without
 * which a huge page moved in would be split. start is aligned to as much.
 */
int fault_service_mend(void *start);

/* Returns how many strays it stored, 0 when none is waiting. Never waits. */
int fault_service_read_strays(struct fault_service *service, struct fault_stray *strays,
			      int capacity);
int fault_service_answer_stray(struct fault_service *service,
			       const struct fault_stray *stray);

static inline bool fault_service_has_move(const struct fault_service *service)
{
	return service->features & (1u << 16);
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * sandbox_copy.c - see sandbox_copy.h. Until Linux 5.16 a dump of core kills every process that
 * shares the memory: there it is copied, which costs the program a fault for each page that it
 * writes to afterwards.
 */
#include <config.h>

#include "os/sandbox_copy.h"

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/auxv.h>
#include <sys/resource.h>

#include "os/kernel_abi.h"
#include "os/task_clone.h"
#include "support/compiler.h"
#include "support/system_call.h"

#define SIGNAL_BYTES		8ul		/* the kernel's sigset_t */
#define DUMPS_ALONE		0x051000u	/* 5.16, as the kernel writes versions */
#define ROOM_STACK		(SANDBOX_COPY_ROOM / 2)

/* "Linux", type 0: the kernel's version, in the vDSO's notes. Not uname(2): it might be fatal. */
static uint32_t version_in(const char *note, const char *end)
{
	while (note + sizeof(ElfW(Nhdr)) <= end) {
		const ElfW(Nhdr) *head = (const ElfW(Nhdr) *)(const void *)note;
		const char *content = note + sizeof(*head) + align_up(head->n_namesz, 4);

		if (head->n_type == 0 && head->n_namesz == sizeof("Linux") && head->n_descsz == 4)
			return *(const uint32_t *)(const void *)content;
		note = content + align_up(head->n_descsz, 4);
	}
	return 0;
}

static uint32_t kernel_version(void)
{
	const char *file = (const char *)getauxval(AT_SYSINFO_EHDR);
	const ElfW(Ehdr) *head = (const ElfW(Ehdr) *)(const void *)file;
	const ElfW(Phdr) *part;
	uint32_t version = 0;
	unsigned i;

	if (!file)
		return 0;
	part = (const ElfW(Phdr) *)(const void *)(file + head->e_phoff);
	for (i = 0; i < head->e_phnum && !version; i++)
		if (part[i].p_type == PT_NOTE)
			version = version_in(file + part[i].p_offset,
					     file + part[i].p_offset + part[i].p_filesz);
	return version;
}

#define ALIVE_FLAGS	(CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)

static long start_by_clone3(struct sandbox_places *places, char *stack, uint64_t flags,
			    void (*body)(void *argument), void *argument)
{
	struct kernel_abi_clone call = {
		.flags = flags | KERNEL_ABI_CLEAR_SIGHAND,
		.parent_word = (uintptr_t)&places->alive,
		.child_word = (uintptr_t)&places->alive,
		.stack = (uintptr_t)stack,
		.stack_bytes = SANDBOX_COPY_STACK,
	};

	return task_clone_by(&call, body, argument);
}

/*
 * A filter that says that there is no clone3 means clone to be called; it is a container's, and
 * does not kill for the blocking of signals.
 */
static long start_by_clone(struct sandbox_places *places, char *stack, uint64_t flags,
			   void (*body)(void *argument), void *argument)
{
	uint64_t all = ~(uint64_t)0, before;
	long id;

	system_call(SYS_rt_sigprocmask, SIG_BLOCK, &all, &before, SIGNAL_BYTES);
	id = task_clone((unsigned long)flags, stack + SANDBOX_COPY_STACK, &places->alive, 0, body,
			argument);
	system_call(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, SIGNAL_BYTES);
	return id;
}

long sandbox_copy_start(struct sandbox_places *places, char *stack, bool waits,
			void (*body)(void *argument), void *argument)
{
	uint64_t flags = CLONE_UNTRACED | (waits ? CLONE_VFORK : ALIVE_FLAGS);
	long id = -ENOSYS;

	places->is_apart = kernel_version() < DUMPS_ALONE;
	flags |= places->is_apart ? 0 : CLONE_VM;
	if (!places->is_unlike_clone3 && !system_call_is_withheld(SYS_clone3))
		id = start_by_clone3(places, stack, flags, body, argument);
	/* EINVAL: before 5.5. */
	if (id != -ENOSYS && id != -EPERM && id != -EINVAL)
		return id;
	places->is_unlike_clone3 = true;
	if (system_call_is_withheld(SYS_clone))
		return -EPERM;
	return start_by_clone(places, stack, flags, body, argument);
}

bool sandbox_copy_has_ended(const struct sandbox_places *places)
{
	/* acquire: what it wrote before is there */
	return !places->is_apart && !atomic_load_explicit(&places->alive, memory_order_acquire);
}

/* One byte: a program that takes dumps by a pipe is asked in spite of 0. prlimit64 is the loader's, too. */
void sandbox_copy_leave_no_core(void)
{
	struct rlimit limit;

	if (system_call(SYS_prlimit64, 0, RLIMIT_CORE, NULL, &limit))
		return;
	limit.rlim_cur = min_size(limit.rlim_max, 1);
	system_call(SYS_prlimit64, 0, RLIMIT_CORE, &limit, NULL);
}

struct task_room sandbox_copy_room(struct sandbox_places *places)
{
	return (struct task_room){
		.mapping = places->room,
		.bytes = sizeof(places->room),
		.stack_end = places->room + ROOM_STACK,
		.thread_pointer = (uintptr_t)places->room + ROOM_STACK + ROOM_STACK / 2,
	};
}

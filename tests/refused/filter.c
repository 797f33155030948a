/* SPDX-License-Identifier: MIT */
/*
 * filter.c - see filter.h. For the machine that it was built for: numbers of calls are its own.
 */
#include "tests/refused/filter.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* Which headers do not have: the requests' numbers are the same everywhere. */
#define UFFDIO_MOVE_REQUEST	0xc028aa05U
#define UFFD_DEVICE_REQUEST	0x0000aa00U	/* USERFAULTFD_IOC_NEW */
#define NAMESPACES		0x7e020000U	/* every CLONE_NEW… that clone(2) takes */

enum test { ALWAYS, REQUEST_IS, FLAGS_HAVE };

/* A call that fails, always or by its first or second argument. */
struct refusal {
	const char *facility;
	uint32_t number;
	enum test test;
	uint32_t operand;
	uint32_t error;
};

/*
 * Threads: clone3 hides its flags in memory, where a filter cannot look; refused with
 * ENOSYS, the C library falls back to clone. fork stays allowed. The helper is no thread, but a
 * task that debuggers do not follow.
 */
static const struct refusal refusals[] = {
	{ "userfaultfd", SYS_userfaultfd, ALWAYS, 0, EPERM },
	{ "userfaultfd", SYS_ioctl, REQUEST_IS, UFFD_DEVICE_REQUEST, ENOTTY },
	{ "move", SYS_ioctl, REQUEST_IS, UFFDIO_MOVE_REQUEST, EINVAL },
	{ "io_uring", SYS_io_uring_setup, ALWAYS, 0, EPERM },
	{ "io_uring_enter", SYS_io_uring_enter, ALWAYS, 0, EPERM },
	{ "process_madvise", SYS_process_madvise, ALWAYS, 0, EPERM },
	{ "madvise", SYS_madvise, ALWAYS, 0, EINVAL },
	{ "mremap", SYS_mremap, ALWAYS, 0, EINVAL },
	{ "mbind", SYS_mbind, ALWAYS, 0, EPERM },
	{ "mbind", SYS_set_mempolicy, ALWAYS, 0, EPERM },
	{ "mbind", SYS_get_mempolicy, ALWAYS, 0, EPERM },
	{ "mbind", SYS_move_pages, ALWAYS, 0, EPERM },
	{ "membarrier", SYS_membarrier, ALWAYS, 0, ENOSYS },
	{ "memfd", SYS_memfd_create, ALWAYS, 0, ENOSYS },
	{ "affinity", SYS_sched_getaffinity, ALWAYS, 0, EPERM },
	{ "affinity", SYS_sched_setaffinity, ALWAYS, 0, EPERM },
	{ "descriptors", SYS_close_range, ALWAYS, 0, ENOSYS },
	{ "descriptors", SYS_unshare, ALWAYS, 0, EPERM },
	{ "sockets", SYS_socket, ALWAYS, 0, EPERM },
	{ "clone3", SYS_clone3, ALWAYS, 0, ENOSYS },
	{ "seccomp", SYS_seccomp, ALWAYS, 0, EPERM },
	{ "threads", SYS_clone3, ALWAYS, 0, ENOSYS },
	{ "threads", SYS_clone, FLAGS_HAVE, CLONE_THREAD, EAGAIN },
	{ "threads", SYS_clone, FLAGS_HAVE, CLONE_UNTRACED, EAGAIN },
};

/*
 * What Docker's default profile leaves out for a container without capabilities (moby,
 * profiles/seccomp/default.json), as far as the call exists on this machine. All with EPERM.
 */
static const uint32_t calls_outside_docker[] = {
	SYS_userfaultfd, SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register,
	SYS_mbind, SYS_get_mempolicy, SYS_set_mempolicy, SYS_migrate_pages, SYS_move_pages,
	SYS_process_madvise, SYS_pidfd_getfd, SYS_unshare, SYS_setns, SYS_bpf,
	SYS_perf_event_open, SYS_kcmp, SYS_add_key, SYS_request_key, SYS_keyctl, SYS_mount,
	SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_acct, SYS_swapon, SYS_swapoff,
	SYS_reboot, SYS_sethostname, SYS_setdomainname, SYS_init_module, SYS_finit_module,
	SYS_delete_module, SYS_quotactl, SYS_settimeofday, SYS_clock_settime, SYS_syslog,
	SYS_vhangup, SYS_fanotify_init, SYS_open_by_handle_at, SYS_kexec_load, SYS_fsopen,
	SYS_fsconfig, SYS_fsmount, SYS_fspick, SYS_open_tree, SYS_move_mount,
};

static const struct {
	const char *name;
	uint32_t number;
} errors[] = {
	{ "EPERM", EPERM },   { "ENOSYS", ENOSYS }, { "EINVAL", EINVAL }, { "EAGAIN", EAGAIN },
	{ "ENOMEM", ENOMEM }, { "EACCES", EACCES }, { "EMFILE", EMFILE },
};

#define COUNT(array)	(sizeof(array) / sizeof(*(array)))
#define LOAD		(BPF_LD | BPF_W | BPF_ABS)
#define IF_EQUAL	(BPF_JMP | BPF_JEQ | BPF_K)
#define IF_BIT		(BPF_JMP | BPF_JSET | BPF_K)
#define RETURN		(BPF_RET | BPF_K)

const char *filter_facilities(void)
{
	return "userfaultfd move io_uring io_uring_enter process_madvise madvise mremap mbind "
	       "membarrier memfd affinity descriptors sockets clone3 threads docker";
}

static void add(struct filter *filter, unsigned int operation, uint32_t operand,
		unsigned int if_true, unsigned int if_false)
{
	if (filter->length < FILTER_INSTRUCTIONS)
		filter->code[filter->length++] = (struct sock_filter){
			(unsigned short)operation, (unsigned char)if_true,
			(unsigned char)if_false, operand
		};
}

/* Every refusal begins with the call's number loaded, and leaves it so. */
static void add_refusal(struct filter *filter, const struct refusal *refusal, uint32_t answer)
{
	const size_t low_half = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0;
	const size_t first = offsetof(struct seccomp_data, args) + low_half;

	switch (refusal->test) {
	case ALWAYS:
		add(filter, IF_EQUAL, refusal->number, 0, 1);
		break;
	case REQUEST_IS:
		add(filter, IF_EQUAL, refusal->number, 0, 3);
		add(filter, LOAD, (uint32_t)(first + sizeof(uint64_t)), 0, 0);
		add(filter, IF_EQUAL, refusal->operand, 0, 1);
		break;
	case FLAGS_HAVE:
		add(filter, IF_EQUAL, refusal->number, 0, 3);
		add(filter, LOAD, (uint32_t)first, 0, 0);
		add(filter, IF_BIT, refusal->operand, 0, 1);
		break;
	}
	add(filter, RETURN, answer, 0, 0);
	add(filter, LOAD, offsetof(struct seccomp_data, nr), 0, 0);
}

static void add_docker(struct filter *filter)
{
	static const struct refusal namespaces = { "", SYS_clone, FLAGS_HAVE, NAMESPACES, 0 };
	static const struct refusal clone3 = { "", SYS_clone3, ALWAYS, 0, 0 };

	for (size_t i = 0; i < COUNT(calls_outside_docker); i++) {
		add(filter, IF_EQUAL, calls_outside_docker[i], 0, 1);
		add(filter, RETURN, SECCOMP_RET_ERRNO | EPERM, 0, 0);
	}
	add_refusal(filter, &namespaces, SECCOMP_RET_ERRNO | EPERM);
	add_refusal(filter, &clone3, SECCOMP_RET_ERRNO | ENOSYS);
}

/* What only asks whether there is such a call keeps the answer that means no. */
static bool answer_to(const struct refusal *refusal, const char *wanted, uint32_t *answer)
{
	*answer = SECCOMP_RET_ERRNO | refusal->error;
	if (!wanted || refusal->number == SYS_clone3)
		return true;
	if (!strcmp(wanted, "kill")) {
		*answer = SECCOMP_RET_KILL_PROCESS;
		return true;
	}
	if (refusal->error == ENOTTY)
		return true;
	for (size_t i = 0; i < COUNT(errors); i++)
		if (!strcmp(errors[i].name, wanted)) {
			*answer = SECCOMP_RET_ERRNO | errors[i].number;
			return true;
		}
	return false;
}

bool filter_add(struct filter *filter, const char *what)
{
	const char *wanted = strchr(what, '=');
	size_t length = wanted ? (size_t)(wanted++ - what) : strlen(what);
	bool known = false;
	uint32_t answer;

	if (!filter->length)
		add(filter, LOAD, offsetof(struct seccomp_data, nr), 0, 0);
	if (!strcmp(what, "docker")) {
		add_docker(filter);
		return true;
	}
	for (size_t i = 0; i < COUNT(refusals); i++) {
		if (strlen(refusals[i].facility) != length ||
		    strncmp(refusals[i].facility, what, length) != 0)
			continue;
		if (!answer_to(&refusals[i], wanted, &answer))
			return false;
		known = true;
		add_refusal(filter, &refusals[i], answer);
	}
	return known;
}

bool filter_install(struct filter *filter)
{
	struct sock_fprog program = { .filter = filter->code };

	if (!filter->length)
		return true;
	add(filter, RETURN, SECCOMP_RET_ALLOW, 0, 0);
	program.len = filter->length;
	if (filter->length == FILTER_INSTRUCTIONS) {
		errno = E2BIG;
		return false;
	}
	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* SPDX-License-Identifier: MIT */
/*
 * A program under a filter on one system call, for tests/refused/filter_table.py:
 *
 *   one_call list                        every call that hakmem's helper makes: NUMBER NAME
 *   one_call before NUMBER ACTION LIBRARY   the program, started under the filter; "-": no library
 *   one_call itself NUMBER ACTION           the program, which sets the filter before it grows
 *
 * It grows, moves a large block, gives everything back, says what it has read, and waits for the
 * end of its input. It calls no stdio: that would be more calls to be killed for.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "sandbox/sandbox_calls.h"

enum { BLOCK_BYTES = 16 << 10, BLOCKS = 3000, LARGE_BYTES = 8 << 20, LIST_FAILED = 2 };

static const struct {
	const char *name;
	unsigned int answer;
} actions[] = {
	{ "allow", SECCOMP_RET_ALLOW },
	{ "EPERM", SECCOMP_RET_ERRNO | EPERM },
	{ "ENOSYS", SECCOMP_RET_ERRNO | ENOSYS },
	{ "process", SECCOMP_RET_KILL_PROCESS },
	{ "thread", SECCOMP_RET_KILL_THREAD },
	{ "trap", SECCOMP_RET_TRAP },
	{ "silence", SECCOMP_RET_USER_NOTIF },
};

static unsigned int answer_named(const char *name)
{
	for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++)
		if (!strcmp(actions[i].name, name))
			return actions[i].answer;
	exit(LIST_FAILED);
}

/* Nobody reads the listener, which stays open as long as the program is there. */
static void set_filter(long number, const char *action)
{
	unsigned int answer = answer_named(action);
	struct sock_filter lines[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, answer),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { .len = 4, .filter = lines };
	long done;

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (answer == SECCOMP_RET_USER_NOTIF) {
		done = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			       SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter);
		if (done >= 0)
			fcntl((int)done, F_SETFD, 0);
	} else {
		done = prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
	}
	if (done < 0)
		exit(LIST_FAILED);
}

static volatile sig_atomic_t traps;

/* What many sandboxes do: the call is refused, and the program goes on. */
static void on_trap(int number, siginfo_t *information, void *context)
{
	(void)number, (void)information;
	traps++;
#ifdef __x86_64__
	((ucontext_t *)context)->uc_mcontext.gregs[REG_RAX] = -ENOSYS;
#else
	((ucontext_t *)context)->uc_mcontext.regs[0] = (unsigned long)-ENOSYS;
#endif
}

static void say(unsigned long sum)
{
	char text[64] = "read ", *next = text + 5;
	unsigned long digits = 1;

	while (sum / digits > 9)
		digits *= 10;
	for (; digits; digits /= 10)
		*next++ = (char)('0' + sum / digits % 10);
	memcpy(next, traps ? ", trapped\n" : "\n", traps ? 10 : 1);
	if (write(STDOUT_FILENO, text, (size_t)(next - text) + (traps ? 10 : 1)) < 0)
		_exit(1);
}

static unsigned long use_memory(void)
{
	static unsigned char *blocks[BLOCKS];
	unsigned long sum = 0;
	unsigned char *large;

	for (unsigned int i = 0; i < BLOCKS; i++) {
		blocks[i] = malloc(BLOCK_BYTES);
		if (!blocks[i])
			return 0;
		memset(blocks[i], (int)(i % 251), BLOCK_BYTES);
	}
	large = malloc(LARGE_BYTES);
	if (!large)
		return 0;
	memset(large, 7, LARGE_BYTES);
	large = realloc(large, 5ul * LARGE_BYTES);
	for (unsigned int i = 0; i < BLOCKS; i++) {
		sum += blocks[i][i % BLOCK_BYTES];
		free(blocks[i]);
	}
	sum += large ? large[LARGE_BYTES - 1] : 0;
	free(large);
	return sum;
}

static int be_program(int argc, char **argv)
{
	struct sigaction on = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO };
	unsigned long sum;
	char byte;

	sigaction(SIGSYS, &on, NULL);
	if (argc == 4)
		set_filter(atol(argv[2]), argv[3]);
	sum = use_memory();
	say(sum);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	_exit(0);
}

static int list(void)
{
	for (unsigned int i = 0; i < sandbox_calls_count; i++)
		printf("%d %s\n", sandbox_calls[i].number, sandbox_calls[i].name);
	printf("%d mmap\n%d munmap\n%d mprotect\n", SYS_mmap, SYS_munmap, SYS_mprotect);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "list"))
		return list();
	if (argc == 5 && !strcmp(argv[1], "before")) {
		if (strcmp(argv[4], "-") != 0)
			setenv("LD_PRELOAD", argv[4], 1);
		set_filter(atol(argv[2]), argv[3]);
		execl(argv[0], argv[0], "itself", NULL);
		return LIST_FAILED;
	}
	if (argc >= 2 && !strcmp(argv[1], "itself"))
		return be_program(argc, argv);
	return LIST_FAILED;
}

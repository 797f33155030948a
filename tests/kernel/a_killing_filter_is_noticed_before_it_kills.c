/* SPDX-License-Identifier: MIT */
/* Is a seccomp filter on this thread noticed before anything it might kill? */
#include <config.h>

#include "tests/kernel/kernel_test.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "support/filter_state.h"

/* The system call is fatal, the way sandboxes make it. */
static void kill_for(unsigned int number)
{
	struct sock_filter rules[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = 4, .filter = rules };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		skip("seccomp filters are not to be had");
}

static void *be_filtered(void *argument)
{
	(void)argument;
	kill_for(SYS_userfaultfd);
	expect(filter_state_is_on(), "a thread's filter was not noticed");
	return NULL;
}

int main(void)
{
	pthread_t id;
	pid_t child;

	if (filter_state_is_on())
		skip("a filter applies to the test itself");
	/* A filter on one thread is no concern of the others. */
	expect(!pthread_create(&id, NULL, be_filtered, NULL), "pthread_create");
	pthread_join(id, NULL);
	expect(!filter_state_is_on(), "another thread's filter was taken for ours");
	child = fork();
	if (child == 0) {
		kill_for(SYS_userfaultfd);
		_exit(filter_state_is_on() ? 0 : 1);
	}
	expect_child(child);
	return 0;
}

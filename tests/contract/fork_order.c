/* SPDX-License-Identifier: MIT */
/*
 * Forks that other locks and signals have a part in: may a library's fork handler take the lock
 * under which its threads allocate, may a signal handler fork that interrupted an allocation?
 */
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/contract/libatfork.h"
#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"

enum { WORKERS = 2, AT_ONCE = 16, HELD = 512, CHILD_LIMIT_S = 30 };

static atomic_bool stop;
static pthread_mutex_t *held_mutex;

/* Allocates with the mutex held, as a cache or a logger does. */
static void *work_under_mutex(void *seed)
{
	uint64_t random = (uint64_t)seed;
	void *blocks[AT_ONCE];

	while (!atomic_load(&stop)) {
		pthread_mutex_lock(held_mutex);
		for (size_t i = 0; i < AT_ONCE; i++) {
			blocks[i] = malloc(random_next(&random) % 64 * 65536 +
					   (i % 2 ? 1100000 : 100));
			CHECK(blocks[i]);
		}
		for (size_t i = 0; i < AT_ONCE; i++)
			free(blocks[i]);
		pthread_mutex_unlock(held_mutex);
	}
	return NULL;
}

static void use_heap(void)
{
	for (size_t i = 0; i < 200; i++)
		free(malloc(i * 1000));
	free(malloc(3 * MIB));
}

static void fork_beside_workers(pthread_mutex_t *mutex, size_t forks)
{
	struct rounds rounds = { .most = forks };
	pthread_t workers[WORKERS];

	held_mutex = mutex;
	for (size_t i = 0; i < WORKERS; i++)
		start_thread(&workers[i], NULL, work_under_mutex, (void *)(i + 1));
	while (next_round(&rounds)) {
		pid_t pid = fork();

		if (pid == 0) {
			alarm(CHILD_LIMIT_S);
			use_heap();
			_exit(0);
		}
		expect_success(pid);
	}
	atomic_store(&stop, true);
	for (size_t i = 0; i < WORKERS; i++)
		CHECK(!pthread_join(workers[i], NULL));
}

static void fork_handlers_may_take_a_lock_under_which_threads_allocate(void)
{
	fork_beside_workers(&libatfork_mutex, 2000);
}

/* As the C library's own locks, which it takes after the last handler. */
static void locks_taken_behind_the_allocators_delay_a_fork_and_no_more(void)
{
	fork_beside_workers(&libatfork_last, 100);
}

/* --- signal handlers --- */

static struct {
	char *block;
	size_t size;
} held[HELD];
static volatile sig_atomic_t forks, is_child;

static void replace(uint64_t *random)
{
	size_t i = random_next(random) % HELD;
	size_t most = random_next(random) % 32 ? 9000 : 3 * MIB;

	if (held[i].block) {
		CHECK_THAT(pattern_holds(held[i].block, held[i].size, i), "block %zu of %zu bytes",
			   i, held[i].size);
		free(held[i].block);
	}
	held[i].size = random_size(random, most);
	held[i].block = malloc(held[i].size);
	CHECK(held[i].block);
	pattern_write(held[i].block, held[i].size, i);
}

static void fork_and_wait(int number)
{
	int status;
	pid_t pid;

	(void)number;
	if (is_child)
		return;
	pid = fork();
	if (pid == 0) {
		is_child = 1;
		alarm(CHILD_LIMIT_S);
		return;		/* into what was interrupted */
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		_exit(3);
	forks++;
}

static void arm_timer(suseconds_t us)
{
	struct itimerval once = { { 0, 0 }, { 0, us } };

	setitimer(ITIMER_REAL, &once, NULL);
}

/*
 * The timer is armed anew when there is time for it: a slow machine does not only handle signals.
 */
static void fork_in_handlers(void)
{
	struct sigaction action = { .sa_handler = fork_and_wait, .sa_flags = SA_RESTART };
	struct rounds rounds = { .most = 3000 };
	uint64_t random = 5;

	CHECK(!sigaction(SIGALRM, &action, NULL));
	while (next_round(&rounds)) {
		arm_timer(1 + (suseconds_t)(random_next(&random) % 300));
		for (size_t i = 0; i < 40; i++)
			replace(&random);
		if (is_child) {
			for (size_t i = 0; i < 500; i++)
				replace(&random);
			_exit(0);
		}
	}
	arm_timer(0);
	CHECK_THAT(forks > 1, "%d forks", (int)forks);
}

static void a_signal_handler_may_fork_whatever_it_interrupts(void)
{
	fork_in_handlers();
}

static void a_signal_handler_may_fork_whatever_it_interrupts_when_hardened(void)
{
	fork_in_handlers();
}

static void a_signal_handler_may_fork_beside_a_helper(void)
{
	fork_in_handlers();
}

static const struct contract_case cases[] = {
	CASE(fork_handlers_may_take_a_lock_under_which_threads_allocate),
	CASE(locks_taken_behind_the_allocators_delay_a_fork_and_no_more),
	CASE(a_signal_handler_may_fork_whatever_it_interrupts),
	CASE_WITH(a_signal_handler_may_fork_whatever_it_interrupts_when_hardened, "hardened:true"),
	CASE_WITH(a_signal_handler_may_fork_beside_a_helper, "helpers:always"),
};

CONTRACT_MAIN(cases)

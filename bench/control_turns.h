/* SPDX-License-Identifier: MIT */
/*
 * control_turns.h - what ten questions a second cost the threads of a process, and what the
 * library's own threads use of the processors meanwhile. For control.c alone.
 */
#ifndef BENCH_CONTROL_TURNS_H
#define BENCH_CONTROL_TURNS_H

#include <stdint.h>

enum { CONTROL_TURNS_LEAST = 20, CONTROL_TURNS_MOST = 6000 };

struct control_turns {
	uint64_t ratio_ppm;		/* of operations, asked to what they would be: the median */
	uint64_t error_ppm;		/* half of where 95 % of such medians would lie */
	uint64_t share_ppm[2];		/* of all processors' time by the library's threads, in … */
	uint64_t share_at_rest_ppm;	/* … turns that begin with a question: [1], and after all */
};

/* operations() counts what was done, ask(client) asks once. */
void control_turns_take(struct control_turns *found, unsigned int turns,
			uint64_t (*operations)(void), uint64_t (*ask)(int client), int client);

void control_turns_sleep(uint64_t nanoseconds);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * frame_program.h - what a function's entry in .eh_frame says of a place in it: DWARF 5, 6.4, as
 * compilers for Linux write it (LSB 5.0, 10.6). What they do not write is no rule.
 *
 * Who may run with whom: anyone with anyone; it reads what is mapped and writes to *rule only.
 */
#ifndef HAKMEM_PROFILE_FRAME_PROGRAM_H
#define HAKMEM_PROFILE_FRAME_PROGRAM_H

#include <stdint.h>

/*
 * Of the registers those on which frames rest. The last three are the frame's pointer, the
 * stack's and the return address.
 */
#if defined(__x86_64__)
#define FRAME_REGISTERS	8	/* rbx, r12 to r15; */
#define FRAME_BASE	5	/* rbp, */
#define FRAME_STACK	6	/* rsp, */
#define FRAME_RETURN	7	/* rip */
#else
#define FRAME_REGISTERS	3	/* x29, sp, x30 */
#define FRAME_BASE	0
#define FRAME_STACK	1
#define FRAME_RETURN	2
#endif

enum frame_kind {
	FRAME_UNKNOWN,		/* there is no table for the place, or it is beyond us */
	FRAME_BY_REGISTER,	/* its top = base register + offset */
	FRAME_BY_WORD,		/* its top is in memory, at base register + offset */
	FRAME_OF_SIGNAL,	/* the kernel's: registers are in the context */
	FRAME_LAST,		/* it has no caller */
};

#define FRAME_KEPT	INT16_MIN	/* the register is as it was */

struct frame_rule {
	uint8_t kind;			/* enum frame_kind */
	uint8_t base;			/* a register */
	/* bits of registers: saved at FRAME_BASE + saved, not at the top */
	uint8_t by_base;
	int32_t offset;
	int16_t saved[FRAME_REGISTERS];	/* from the top of the frame; FRAME_KEPT */
};

/* description: an FDE. *rule: zeroed; stays FRAME_UNKNOWN where the place is not in it. */
void frame_program_run(const uint8_t *description, uintptr_t place, struct frame_rule *rule);

#endif

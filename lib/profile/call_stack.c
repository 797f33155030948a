/* SPDX-License-Identifier: MIT */
/*
 * call_stack.c - see call_stack.h.
 *
 * By the functions' tables (frame_rule.h), which say for a function that keeps a frame pointer what
 * that chain says, and find the way where there is none. Where there is no table (code made at
 * run time) the frame pointer is tried: it alone cannot be told from any other number.
 */
#include <config.h>

#include "profile/call_stack.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <ucontext.h>

#include "profile/frame_rule.h"
#include "support/compiler.h"
#include "support/page_size.h"
#include "support/system_call.h"

#define STEPS_MOST	256	/* our own frames and what is left out are among them */
#define FRAME_MOST	((uintptr_t)64 << 20)	/* bytes; a larger one is none */
#define SIGNAL_SET_BYTES	8ul
#define ADDRESS_BITS	56	/* above them are marks (AArch64), or it is no address */

struct walk {
	uintptr_t registers[FRAME_REGISTERS];
	uintptr_t readable, readable_end;	/* of the stack, as far as it is known */
	/* the place was not called from, but interrupted at */
	bool is_exact;
};

void call_stack_begin(void)
{
	frame_rule_begin();
}

/*
 * The kernel reads a set of signals there before it looks at what is to be done with it, which is
 * nothing: it answers EINVAL, or EFAULT.
 */
static bool is_mapped(uintptr_t page)
{
	return system_call(SYS_rt_sigprocmask, -1, (void *)page, NULL, SIGNAL_SET_BYTES) == -EINVAL;
}

static bool is_readable(struct walk *walk, uintptr_t address)
{
	uintptr_t page = address & ~(uintptr_t)(page_size() - 1);

	if (address % sizeof(uintptr_t))
		return false;
	if (address >= walk->readable && address < walk->readable_end)
		return true;
	if (!is_mapped(page))
		return false;
	if (page != walk->readable_end)
		walk->readable = page;
	walk->readable_end = page + page_size();
	return true;
}

static bool read_word(struct walk *walk, uintptr_t address, uintptr_t *word)
{
	if (!is_readable(walk, address))
		return false;
	memcpy(word, (const void *)address, sizeof(*word));
	return true;
}

/* Upwards, and not too far. */
static bool may_be_above(uintptr_t top, uintptr_t below)
{
	return top > below && top - below < FRAME_MOST;
}

static bool step_by_rule(struct walk *walk, const struct frame_rule *rule)
{
	uintptr_t old[FRAME_REGISTERS],
		top = walk->registers[rule->base] + (uintptr_t)(intptr_t)rule->offset;
	unsigned i;

	memcpy(old, walk->registers, sizeof(old));
	if (rule->kind == FRAME_BY_WORD && !read_word(walk, top, &top))
		return false;
	if (!may_be_above(top, old[FRAME_STACK]) && !(walk->is_exact && top == old[FRAME_STACK]))
		return false;
	walk->registers[FRAME_STACK] = top;
	for (i = 0; i < FRAME_REGISTERS; i++) {
		uintptr_t from = rule->by_base & 1u << i ? old[FRAME_BASE] : top;

		if (i != FRAME_STACK && rule->saved[i] != FRAME_KEPT &&
		    !read_word(walk, from + (uintptr_t)(intptr_t)rule->saved[i],
			       &walk->registers[i]))
			return false;
	}
	/* In a register only before it was saved: where a signal came. */
	return rule->saved[FRAME_RETURN] != FRAME_KEPT || walk->is_exact;
}

static bool step_by_frame_pointer(struct walk *walk)
{
	uintptr_t base = walk->registers[FRAME_BASE];

	if (base < walk->registers[FRAME_STACK] ||
	    base - walk->registers[FRAME_STACK] >= FRAME_MOST)
		return false;
	walk->registers[FRAME_STACK] = base + 2 * sizeof(base);
	return read_word(walk, base, &walk->registers[FRAME_BASE]) &&
	       read_word(walk, base + sizeof(base), &walk->registers[FRAME_RETURN]);
}

#if defined(__x86_64__)
static bool step_over_signal(struct walk *walk)
{
	static const uint8_t of[FRAME_REGISTERS] = { REG_RBX, REG_R12, REG_R13, REG_R14, REG_R15,
						     REG_RBP, REG_RSP, REG_RIP };
	uintptr_t context = walk->registers[FRAME_STACK] + offsetof(ucontext_t, uc_mcontext.gregs);
	unsigned i;

	for (i = 0; i < FRAME_REGISTERS; i++)
		if (!read_word(walk, context + of[i] * sizeof(uintptr_t), &walk->registers[i]))
			return false;
	return true;
}
#else
#define SIGNAL_INFO_BYTES	128
static bool step_over_signal(struct walk *walk)
{
	uintptr_t context = walk->registers[FRAME_STACK] + SIGNAL_INFO_BYTES;

	return read_word(walk, context + offsetof(ucontext_t, uc_mcontext.regs[29]),
			 &walk->registers[FRAME_BASE]) &&
	       read_word(walk, context + offsetof(ucontext_t, uc_mcontext.pc),
			 &walk->registers[FRAME_RETURN]) &&
	       read_word(walk, context + offsetof(ucontext_t, uc_mcontext.sp),
			 &walk->registers[FRAME_STACK]);
}
#endif

/* To the caller; false: there is none, or it is not known. */
static bool call_stack_step(struct walk *walk)
{
	uintptr_t place = walk->registers[FRAME_RETURN] - !walk->is_exact;
	struct frame_rule rule;
	bool goes_on;

	frame_rule_find(place, &rule);
	if (rule.kind == FRAME_LAST)
		return false;
	if (rule.kind == FRAME_OF_SIGNAL) {
		goes_on = step_over_signal(walk);
		walk->is_exact = true;
	} else {
		goes_on = rule.kind == FRAME_UNKNOWN ? step_by_frame_pointer(walk) :
						       step_by_rule(walk, &rule);
		walk->is_exact = false;
	}
	walk->registers[FRAME_RETURN] &= ((uintptr_t)1 << ADDRESS_BITS) - 1;
	return goes_on && walk->registers[FRAME_RETURN] > page_size();
}

#if defined(__x86_64__)
#define READ_REGISTERS(registers)							\
	__asm__ volatile("movq %%rbx, 0(%0)\n\tmovq %%r12, 8(%0)\n\tmovq %%r13, 16(%0)\n\t"	\
			 "movq %%r14, 24(%0)\n\tmovq %%r15, 32(%0)\n\tmovq %%rbp, 40(%0)\n\t"	\
			 "movq %%rsp, 48(%0)\n\tleaq 0(%%rip), %%rax\n\tmovq %%rax, 56(%0)"	\
			 : : "r"(registers) : "rax", "memory")
#else
#define READ_REGISTERS(registers)							\
	__asm__ volatile("mov x9, sp\n\tstp x29, x9, [%0]\n\tadr x9, .\n\tstr x9, [%0, 16]"	\
			 : : "r"(registers) : "x9", "memory")
#endif

/* Those outside of [start, end), from the first such on. */
static unsigned call_stack_collect(struct walk walk, uintptr_t start, uintptr_t end,
				   uint64_t *frames, unsigned most)
{
	unsigned steps, count = 0;

	for (steps = 0; steps < STEPS_MOST && count < most && call_stack_step(&walk); steps++) {
		uintptr_t place = walk.registers[FRAME_RETURN];

		if (count || place - start >= end - start)
			frames[count++] = place;
	}
	return count;
}

unsigned NOINLINE call_stack_read(uint64_t *frames, unsigned most)
{
	struct walk walk = { .is_exact = true };
	uintptr_t start = 0, end = 0;

	READ_REGISTERS(walk.registers);
	walk.readable = walk.registers[FRAME_STACK] & ~(uintptr_t)(page_size() - 1);
	walk.readable_end = walk.readable + page_size();
	frame_rule_library(walk.registers[FRAME_RETURN], &start, &end);
	/* Where the program has us in itself, our own functions stay: they have names. */
	return call_stack_collect(walk, start, end, frames, most);
}

/* SPDX-License-Identifier: MIT */
/*
 * sandbox_verdict.c - see sandbox_verdict.h. The machine of bpf(4) as far as seccomp(2) takes it:
 * words only, at fixed places of struct seccomp_data.
 */
#include <config.h>

#include "sandbox/sandbox_verdict.h"

#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>

#include "os/kernel_abi.h"
#include "support/compiler.h"
#include "support/system_call.h"

struct machine {
	uint32_t accumulator, index;
	uint32_t memory[BPF_MEMWORDS];
	struct seccomp_data data;
};

static uint32_t loaded(const struct machine *machine, const struct sock_filter *line)
{
	uint32_t word = 0;

	switch (BPF_MODE(line->code)) {
	case BPF_ABS:
		if (line->k <= sizeof(machine->data) - sizeof(word))
			memcpy(&word, (const char *)&machine->data + line->k, sizeof(word));
		return word;
	case BPF_LEN:
		return sizeof(machine->data);
	case BPF_MEM:
		return machine->memory[line->k % BPF_MEMWORDS];
	default:
		return line->k;
	}
}

static uint32_t calculated(uint32_t a, unsigned operation, uint32_t b)
{
	switch (operation) {
	case BPF_ADD:
		return a + b;
	case BPF_SUB:
		return a - b;
	case BPF_MUL:
		return a * b;
	case BPF_DIV:
		return b ? a / b : 0;
	case BPF_MOD:
		return b ? a % b : 0;
	case BPF_AND:
		return a & b;
	case BPF_OR:
		return a | b;
	case BPF_XOR:
		return a ^ b;
	case BPF_LSH:
		return a << (b & 31);
	case BPF_RSH:
		return a >> (b & 31);
	default:
		return 0u - a;
	}
}

static unsigned jump(const struct sock_filter *line, uint32_t a, uint32_t b)
{
	bool holds;

	switch (BPF_OP(line->code)) {
	case BPF_JA:
		return line->k;
	case BPF_JEQ:
		holds = a == b;
		break;
	case BPF_JGT:
		holds = a > b;
		break;
	case BPF_JGE:
		holds = a >= b;
		break;
	default:
		holds = (a & b) != 0;
		break;
	}
	return holds ? line->jt : line->jf;
}

/* How many lines to skip. */
static unsigned sandbox_verdict_step(struct machine *machine, const struct sock_filter *line)
{
	uint32_t operand = BPF_SRC(line->code) == BPF_X ? machine->index : line->k;

	switch (BPF_CLASS(line->code)) {
	case BPF_LD:
		machine->accumulator = loaded(machine, line);
		return 0;
	case BPF_LDX:
		machine->index = loaded(machine, line);
		return 0;
	case BPF_ST:
		machine->memory[line->k % BPF_MEMWORDS] = machine->accumulator;
		return 0;
	case BPF_STX:
		machine->memory[line->k % BPF_MEMWORDS] = machine->index;
		return 0;
	case BPF_ALU:
		machine->accumulator =
			calculated(machine->accumulator, BPF_OP(line->code), operand);
		return 0;
	case BPF_JMP:
		return jump(line, machine->accumulator, operand);
	default:
		if (BPF_MISCOP(line->code) == BPF_TAX)
			machine->index = machine->accumulator;
		else
			machine->accumulator = machine->index;
		return 0;
	}
}

uint32_t sandbox_verdict_of(const struct sock_fprog *filter, long number, const long argument[6])
{
	struct machine machine = {
		.data = { .nr = (int)number, .arch = KERNEL_ABI_MACHINE,
			  .instruction_pointer = (uintptr_t)system_call },
	};
	unsigned i, at;

	for (i = 0; i < ARRAY_LENGTH(machine.data.args); i++)
		machine.data.args[i] = (uint64_t)argument[i];
	for (at = 0; at < filter->len; at++) {
		const struct sock_filter *line = &filter->filter[at];

		if (BPF_CLASS(line->code) == BPF_RET)
			return BPF_RVAL(line->code) == BPF_A ? machine.accumulator : line->k;
		at += sandbox_verdict_step(&machine, line);
	}
	return SECCOMP_RET_KILL_PROCESS;
}

bool sandbox_verdict_is_fatal(uint32_t verdict)
{
	switch (verdict & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ERRNO:
	case SECCOMP_RET_TRACE:
	case SECCOMP_RET_LOG:
	case SECCOMP_RET_ALLOW:
		return false;
	default:
		return true;
	}
}

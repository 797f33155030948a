/* SPDX-License-Identifier: MIT */
/*
 * system_call.c - see system_call.h. One instruction for each machine; what is not passed is
 * read all the same, as syscall(2) does, and the kernel does not look at it. No assembly
 * outside of functions: link-time optimization would not see what it defines.
 */
#include <config.h>

#include "support/system_call.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>

#include "support/thread_pointer.h"

#if defined(__x86_64__)

static inline long system_call_enter(long number, const long argument[6])
{
	register long r10 __asm__("r10") = argument[3];
	register long r8 __asm__("r8") = argument[4];
	register long r9 __asm__("r9") = argument[5];
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(argument[0]), "S"(argument[1]), "d"(argument[2]),
			   "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

#elif defined(__aarch64__)

static inline long system_call_enter(long number, const long argument[6])
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = argument[0];
	register long x1 __asm__("x1") = argument[1];
	register long x2 __asm__("x2") = argument[2];
	register long x3 __asm__("x3") = argument[3];
	register long x4 __asm__("x4") = argument[4];
	register long x5 __asm__("x5") = argument[5];

	__asm__ volatile("svc #0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
}

#elif defined(__riscv) && __riscv_xlen == 64

static inline long system_call_enter(long number, const long argument[6])
{
	register long a7 __asm__("a7") = number;
	register long a0 __asm__("a0") = argument[0];
	register long a1 __asm__("a1") = argument[1];
	register long a2 __asm__("a2") = argument[2];
	register long a3 __asm__("a3") = argument[3];
	register long a4 __asm__("a4") = argument[4];
	register long a5 __asm__("a5") = argument[5];

	__asm__ volatile("ecall"
			 : "+r"(a0)
			 : "r"(a7), "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5)
			 : "memory");
	return a0;
}

#else

#include <unistd.h>

/* Not on a thread pointer of our own: no helper runs there. */
static long system_call_enter(long number, const long argument[6])
{
	int saved_errno = errno;
	long result = syscall(number, argument[0], argument[1], argument[2], argument[3],
			      argument[4], argument[5]);

	if (result == -1)
		result = -errno;
	errno = saved_errno;
	return result;
}

#endif

#define WITHHELD_MOST	192
#define EVERY		0xffff		/* as a number; value: of which thread */
#define EXEMPT_MOST	2

/* Packed into one word, so that threads may add to the list at once. */
struct withheld {
	uint16_t number;
	int8_t place;
	uint8_t kind;		/* 0: the list ends here */
	uint32_t value;
};

enum { BY_PROGRAM = 1, BY_ALL = 2 };

/* release: it is to be withheld from now on; acquire by readers */
static _Atomic uint64_t withheld[WITHHELD_MOST];

static struct {
	_Atomic uintptr_t start;	/* relaxed: before the task that has the stack starts */
	_Atomic uintptr_t end;
} exempt[EXEMPT_MOST];

static struct withheld unpack(uint64_t word)
{
	return (struct withheld){ (uint16_t)word, (int8_t)(word >> 16), (uint8_t)(word >> 24),
				  (uint32_t)(word >> 32) };
}

static uint64_t pack(struct withheld one)
{
	return one.number | (uint64_t)(uint8_t)one.place << 16 | (uint64_t)one.kind << 24 |
	       (uint64_t)one.value << 32;
}

/* kind 0: there is no further one. */
static struct withheld withheld_at(unsigned i)
{
	/* acquire: pairs with the release in system_call_withhold */
	return unpack(i < WITHHELD_MOST ? atomic_load_explicit(&withheld[i], memory_order_acquire) :
					  0);
}

void system_call_withhold(long number, int place, uint32_t value, bool by_program)
{
	struct withheld one = { (uint16_t)number, (int8_t)place, by_program ? BY_PROGRAM : BY_ALL,
				value };
	unsigned i;

	for (i = 0; i < WITHHELD_MOST; i++) {
		uint64_t found = 0;

		if (atomic_compare_exchange_strong_explicit(&withheld[i], &found, pack(one),
							    memory_order_release,
							    memory_order_relaxed))
			return;
		if (unpack(found).number != one.number || unpack(found).place != one.place ||
		    unpack(found).value != value)
			continue;
		/* What is withheld from all stays so. */
		if (!by_program)
			atomic_store_explicit(&withheld[i], pack(one), memory_order_release);
		return;
	}
}

/* Of the calling one. Two threads share it once in 2^32, and then too much is withheld. */
static uint32_t own_thread(void)
{
	return (uint32_t)((uintptr_t)thread_pointer_own() >> 6);
}

void system_call_withhold_all(void)
{
	system_call_withhold(EVERY, SYSTEM_CALL_ANY, own_thread(), true);
}

void system_call_exempt(const void *start, size_t bytes)
{
	unsigned i;

	for (i = 0; i < EXEMPT_MOST; i++) {
		if (atomic_load_explicit(&exempt[i].start, memory_order_relaxed))
			continue;
		atomic_store_explicit(&exempt[i].end, (uintptr_t)start + bytes,
				      memory_order_relaxed);
		atomic_store_explicit(&exempt[i].start, (uintptr_t)start, memory_order_relaxed);
		return;
	}
}

void system_call_exempt_nobody(void)
{
	struct withheld one;
	unsigned i;

	for (i = 0; i < EXEMPT_MOST; i++)
		atomic_store_explicit(&exempt[i].start, 0, memory_order_relaxed);
	for (i = 0; one = withheld_at(i), one.kind; i++) {
		one.kind = BY_ALL;
		atomic_store_explicit(&withheld[i], pack(one), memory_order_release);
	}
}

static bool is_exempt(uintptr_t stack)
{
	unsigned i;

	for (i = 0; i < EXEMPT_MOST; i++)
		if (stack - atomic_load_explicit(&exempt[i].start, memory_order_relaxed) <
		    atomic_load_explicit(&exempt[i].end, memory_order_relaxed) -
			    atomic_load_explicit(&exempt[i].start, memory_order_relaxed))
			return true;
	return false;
}

static bool system_call_is_of(const struct withheld *one, long number)
{
	return one->number == number ||
	       (one->number == EVERY && one->value == own_thread() && number != SYS_write);
}

bool system_call_withholds(long number, const long *argument)
{
	struct withheld one;
	unsigned i;

	for (i = 0; one = withheld_at(i), one.kind; i++)
		if (system_call_is_of(&one, number) &&
		    (!argument || one.place < 0 ||
		     (uint32_t)argument[one.place] == one.value) &&
		    !(one.kind == BY_PROGRAM && is_exempt((uintptr_t)&one)))
			return true;
	return false;
}

bool system_call_is_withheld(long number)
{
	return system_call_withholds(number, NULL);
}

/* A stack protector would want the C library's thread pointer. */
NO_STACK_PROTECTOR __attribute__((no_sanitize("address"))) long system_call(long number, ...)
{
	long argument[6];
	va_list arguments;
	unsigned i;

	va_start(arguments, number);
	for (i = 0; i < ARRAY_LENGTH(argument); i++)
		argument[i] = va_arg(arguments, long);
	va_end(arguments);
	if (unlikely(atomic_load_explicit(&withheld[0], memory_order_relaxed)) &&
	    system_call_withholds(number, argument))
		return -EPERM;
	return system_call_enter(number, argument);
}

NO_STACK_PROTECTOR __attribute__((no_sanitize("address"))) long system_call_always(long number, ...)
{
	long argument[6];
	va_list arguments;
	unsigned i;

	va_start(arguments, number);
	for (i = 0; i < ARRAY_LENGTH(argument); i++)
		argument[i] = va_arg(arguments, long);
	va_end(arguments);
	return system_call_enter(number, argument);
}

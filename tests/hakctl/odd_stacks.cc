// SPDX-License-Identifier: MIT
//
// Holds a MiB by each of some call stacks that are not like others: for
// profiles_know_odd_stacks.sh. Prints a line when it does, and waits until it may end.
//
//   in_handler     called by a signal handler, which came in the middle of interrupted()
//   on_other_stack the same, the handler on an alternate stack
//   unwinding      by a destructor, while an exception goes up through it
//   in_catch       by who caught it
//   in_coroutine   on a stack of 8 KiB, with nothing behind its end
//   shop::Basket<int>::fill(int)   a name of C++
//   twice          at two places in a line
//   deep           below 300 calls, more than a sample keeps

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <pthread.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

namespace {

constexpr int blocks = 1024;
constexpr std::size_t bytes = 1024;
constexpr std::size_t coroutine_bytes = 8192;

void *kept[16][blocks];
ucontext_t outside, coroutine;

#define PLANT(name, number)                                        \
	__attribute__((noinline, used)) void name()                \
	{                                                          \
		for (int i = 0; i < blocks; i++)                   \
			kept[number][i] = std::malloc(bytes);      \
		__asm__ volatile("# " #name : : "r"(kept[number]) : "memory"); \
	}

} // namespace

extern "C" {
PLANT(in_handler, 0)
PLANT(on_other_stack, 1)
PLANT(unwinding, 2)
PLANT(in_catch, 3)
PLANT(in_coroutine, 4)
PLANT(deep, 5)

void handle(int number)
{
	number == SIGUSR1 ? in_handler() : on_other_stack();
	__asm__ volatile("" : : : "memory");
}

__attribute__((noinline, used)) void interrupted(int number)
{
	raise(number);
	__asm__ volatile("" : : : "memory");
}

__attribute__((noinline, used)) void dive(int calls)
{
	calls ? dive(calls - 1) : deep();
	__asm__ volatile("" : : : "memory");
}

void run_coroutine()
{
	in_coroutine();
	__asm__ volatile("" : : : "memory");
}
}

namespace {

struct allocates_when_it_goes {
	~allocates_when_it_goes()
	{
		unwinding();
		__asm__ volatile("" : : : "memory");
	}
};

__attribute__((noinline)) void throw_it(int value)
{
	allocates_when_it_goes going;
	throw value;
}

__attribute__((noinline)) void catch_it()
{
	try {
		throw_it(1);
	} catch (int) {
		in_catch();
		__asm__ volatile("" : : : "memory");
	}
}

void start_coroutine()
{
	// A page before it and one behind it that nobody may touch.
	char *stack = static_cast<char *>(mmap(nullptr, coroutine_bytes + 2 * 65536, PROT_NONE,
					       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) + 65536;
	mprotect(stack, coroutine_bytes, PROT_READ | PROT_WRITE);
	getcontext(&coroutine);
	coroutine.uc_stack.ss_sp = stack;
	coroutine.uc_stack.ss_size = coroutine_bytes;
	coroutine.uc_link = &outside;
	makecontext(&coroutine, run_coroutine, 0);
	swapcontext(&outside, &coroutine);
}

void handle_signals()
{
	static char other[65536];
	stack_t alternate = {};
	struct sigaction action = {};

	alternate.ss_sp = other;
	alternate.ss_size = sizeof(other);
	sigaltstack(&alternate, nullptr);
	action.sa_handler = handle;
	sigaction(SIGUSR1, &action, nullptr);
	action.sa_flags = SA_ONSTACK;
	sigaction(SIGUSR2, &action, nullptr);
}

} // namespace

namespace shop {

template <typename item> struct Basket {
	__attribute__((noinline)) static void fill(item number)
	{
		for (int i = 0; i < blocks; i++)
			kept[6][i] = std::malloc(bytes + static_cast<std::size_t>(number));
		__asm__ volatile("" : : "r"(kept[6]) : "memory");
	}
};

template struct Basket<int>;

} // namespace shop

extern "C" __attribute__((noinline, used)) void twice()
{
	for (int i = 0; i < blocks; i++)
		kept[7][i] = std::malloc(bytes), kept[8][i] = std::malloc(bytes);
	__asm__ volatile("" : : "r"(kept) : "memory");
}

int main()
{
	handle_signals();
	interrupted(SIGUSR1);
	interrupted(SIGUSR2);
	catch_it();
	start_coroutine();
	dive(300);
	shop::Basket<int>::fill(0);
	twice();
	std::puts("ready");
	std::fflush(stdout);
	while (getchar() != EOF)
		;
	return 0;
}

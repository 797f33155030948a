/* SPDX-License-Identifier: MIT */
/*
 * The C++ side: 8 forms of operator new and 12 of operator delete, what a failing one
 * throws, and the new-handler. A handler that gives memory back must save the request.
 */
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <malloc.h>
#include <new>

#include "tests/contract/block.h"
#include "tests/contract/case.h"

namespace {

/* Sized delete is called by name: the compiler picks it only for complete types. */
void check_plain(size_t size)
{
	void *blocks[] = {
		::operator new(size), ::operator new(size),
		::operator new(size, std::nothrow), ::operator new[](size),
		::operator new[](size), ::operator new[](size, std::nothrow),
	};

	for (size_t i = 0; i < 6; i++) {
		CHECK(blocks[i] && malloc_usable_size(blocks[i]) >= size);
		CHECK(is_aligned(blocks[i], size > 8 ? 16 : 8));
		pattern_write(blocks[i], size, i);
	}
	for (size_t i = 0; i < 6; i++)
		CHECK_THAT(pattern_holds(blocks[i], size, i), "new of %zu bytes", size);
	::operator delete(blocks[0]);
	::operator delete(blocks[1], size);
	::operator delete(blocks[2], std::nothrow);
	::operator delete[](blocks[3]);
	::operator delete[](blocks[4], size);
	::operator delete[](blocks[5], std::nothrow);
}

void check_aligned(size_t size, std::align_val_t alignment)
{
	void *blocks[] = {
		::operator new(size, alignment), ::operator new(size, alignment),
		::operator new(size, alignment, std::nothrow),
		::operator new[](size, alignment), ::operator new[](size, alignment),
		::operator new[](size, alignment, std::nothrow),
	};

	for (size_t i = 0; i < 6; i++) {
		CHECK(blocks[i] && is_aligned(blocks[i], (size_t)alignment));
		pattern_write(blocks[i], size, i);
	}
	for (size_t i = 0; i < 6; i++)
		CHECK(pattern_holds(blocks[i], size, i));
	::operator delete(blocks[0], alignment);
	::operator delete(blocks[1], size, alignment);
	::operator delete(blocks[2], alignment, std::nothrow);
	::operator delete[](blocks[3], alignment);
	::operator delete[](blocks[4], size, alignment);
	::operator delete[](blocks[5], alignment, std::nothrow);
}

void every_plain_form_gives_and_takes_blocks_of_every_size()
{
	for (size_t size = 0; size <= 4 * MIB; size += size < 9000 ? 1 : size / 5)
		check_plain(hidden_size(size));
}

void every_aligned_form_aligns_to_4_mib()
{
	static const size_t sizes[] = { 0, 1, 100, 1024, 5000, 8191, 100000, 2000000 };

	for (size_t alignment = 1; alignment <= 4 * MIB; alignment *= 2)
		for (size_t size : sizes)
			check_aligned(hidden_size(size), std::align_val_t(alignment));
}

void deleting_null_does_nothing()
{
	errno = 1234;
	::operator delete(hidden(nullptr));
	::operator delete[](hidden(nullptr));
	::operator delete(hidden(nullptr), 10);
	::operator delete[](hidden(nullptr), 10);
	::operator delete(hidden(nullptr), std::nothrow);
	::operator delete[](hidden(nullptr), std::align_val_t(64));
	::operator delete(hidden(nullptr), 10, std::align_val_t(64));
	CHECK(errno == 1234);
}

void an_impossible_size_throws_bad_alloc()
{
	static const size_t sizes[] = { (size_t)PTRDIFF_MAX + 1, SIZE_MAX - 4096,
					SIZE_MAX };
	size_t caught = 0;

	for (size_t size : sizes) {
		for (int form = 0; form < 4; form++) {
			void *block = nullptr;

			size = hidden_size(size);
			try {
				block = form == 0 ? ::operator new(size) :
					form == 1 ? ::operator new[](size) :
					form == 2 ? ::operator new(
							    size, std::align_val_t(256)) :
						    ::operator new[](size,
								     std::align_val_t(8));
			} catch (const std::bad_alloc &) {
				caught++;
			}
			CHECK(!block);
		}
	}
	CHECK(caught == 12);
}

void a_nothrow_form_returns_null_for_an_impossible_size()
{
	size_t size = hidden_size(SIZE_MAX - 100);

	CHECK(!::operator new(size, std::nothrow));
	CHECK(!::operator new[](size, std::nothrow));
	CHECK(!::operator new(size, std::align_val_t(64), std::nothrow));
	CHECK(!::operator new[](size, std::align_val_t(64), std::nothrow));
}

unsigned int handler_calls;

void give_up_after_three()
{
	if (++handler_calls == 3)
		std::set_new_handler(nullptr);
}

void the_new_handler_runs_until_it_is_taken_away()
{
	size_t size = hidden_size(SIZE_MAX / 2 + 100);
	bool caught = false;

	handler_calls = 0;
	std::set_new_handler(give_up_after_three);
	try {
		hidden(::operator new(size));
	} catch (const std::bad_alloc &) {
		caught = true;
	}
	CHECK(caught && handler_calls == 3);
	handler_calls = 0;
	std::set_new_handler(give_up_after_three);
	CHECK(!::operator new(size, std::nothrow));
	CHECK(handler_calls == 3);
	handler_calls = 0;
	std::set_new_handler(give_up_after_three);
	CHECK(!::operator new[](size, std::align_val_t(4096), std::nothrow));
	CHECK(handler_calls == 3);
}

struct own_failure : std::bad_alloc {
	int code = 7;
};

[[noreturn]] void throw_own_failure()
{
	throw own_failure();
}

void what_the_new_handler_throws_arrives()
{
	size_t size = hidden_size(SIZE_MAX / 2 + 100);
	int code = 0;

	std::set_new_handler(throw_own_failure);
	try {
		hidden(::operator new(size));
	} catch (const own_failure &failure) {
		code = failure.code;
	}
	CHECK(code == 7);
	/* noexcept: the exception becomes the null pointer */
	CHECK(!::operator new(size, std::nothrow));
}

void *reserve;

void give_reserve_back()
{
	handler_calls++;
	free(reserve);
	reserve = nullptr;
	std::set_new_handler(nullptr);
}

/* Under a hard limit of 256 MiB: 150 are held in reserve, then 200 are wanted. */
void a_new_handler_that_frees_memory_saves_the_request()
{
	void *block;

	reserve = malloc(150 * MIB);
	CHECK(reserve);
	handler_calls = 0;
	std::set_new_handler(give_reserve_back);
	block = ::operator new(hidden_size(200 * MIB));
	CHECK_THAT(handler_calls == 1, "limit_hard:256M let 350 MiB through");
	CHECK(block && !reserve);
	::operator delete(block);
}

const struct contract_case cases[] = {
	CASE(every_plain_form_gives_and_takes_blocks_of_every_size),
	CASE(every_aligned_form_aligns_to_4_mib),
	CASE(deleting_null_does_nothing),
	CASE(an_impossible_size_throws_bad_alloc),
	CASE(a_nothrow_form_returns_null_for_an_impossible_size),
	CASE(the_new_handler_runs_until_it_is_taken_away),
	CASE(what_the_new_handler_throws_arrives),
	CASE_WITH(a_new_handler_that_frees_memory_saves_the_request, "limit_hard:256M"),
};

}

CONTRACT_MAIN(cases)

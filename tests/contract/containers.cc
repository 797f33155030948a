/* SPDX-License-Identifier: MIT */
/*
 * hakmem.hpp: containers whose memory is hakmem's while the program's operator new is as it was;
 * alignments, failures, and a heap that goes at once. Linked with libhakmem-api.
 */
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory_resource>
#include <new>
#include <string>
#include <vector>

#include <hakmem/hakmem.hpp>

#include "tests/contract/case.h"

namespace {

size_t live_bytes()
{
	return hak_stats_read("live.blocks_bytes");
}

bool throws_bad_alloc(std::pmr::memory_resource &resource, size_t size)
{
	try {
		resource.deallocate(resource.allocate(size), size);
	} catch (const std::bad_alloc &) {
		return true;
	}
	return false;
}

void check_alignments(std::pmr::memory_resource &resource)
{
	for (size_t alignment = 1; alignment <= 1 << 20; alignment *= 2) {
		for (size_t size :
		     { (size_t)0, (size_t)1, (size_t)100, (size_t)5000, (size_t)70000 }) {
			void *block = resource.allocate(size, alignment);

			CHECK((uintptr_t)block % alignment == 0);
			memset(block, 1, size);
			resource.deallocate(block, size, alignment);
		}
	}
}

void a_resource_gives_the_heaps_memory()
{
	std::pmr::memory_resource *resource = hak::get_memory_resource();
	size_t before = live_bytes();
	{
		std::pmr::map<int, std::pmr::string> words(resource);

		for (int i = 0; i < 10000; i++)
			words[i].assign(200, 'x');
		CHECK(words[9999].size() == 200);
		CHECK(live_bytes() - before > 10000 * 200);
	}
	CHECK(live_bytes() - before < 10000 * 200);
	check_alignments(*resource);
	CHECK(throws_bad_alloc(*resource, SIZE_MAX / 2 + 1));
}

void resources_are_equal_where_blocks_may_go_over()
{
	hak::memory_resource other;
	hak::heap_resource one, two;

	CHECK(*hak::get_memory_resource() == other);
	CHECK(one == one && !(one == two) && !(other == one));
	CHECK(*std::pmr::new_delete_resource() != other);
}

void a_heap_resource_goes_at_once()
{
	size_t before = live_bytes();
	{
		hak::heap_resource heap;

		for (int i = 0; i < 10000; i++)
			CHECK(heap.allocate(200) != nullptr);
		check_alignments(heap);
		CHECK(throws_bad_alloc(heap, SIZE_MAX / 2 + 1));
		CHECK(live_bytes() - before > 10000 * 200);
	}
	CHECK(live_bytes() - before < 10000 * 200);
}

struct alignas(128) wide {
	char bytes[128];
};

void an_allocator_serves_containers()
{
	size_t before = live_bytes();
	std::vector<wide, hak::allocator<wide>> wides(1000);
	std::basic_string<char, std::char_traits<char>, hak::allocator<char>> text(100000, 'y');
	std::map<int, int, std::less<int>, hak::allocator<std::pair<const int, int>>> numbers;

	for (int i = 0; i < 1000; i++) {
		numbers[i] = i;
		CHECK((uintptr_t)&wides[i] % 128 == 0);
	}
	CHECK(live_bytes() - before >= 1000 * sizeof(wide) + 100000);
	try {
		hak::allocator<wide>().allocate(SIZE_MAX / sizeof(wide) + 1);
		CHECK(!"a count that does not fit is refused");
	} catch (const std::bad_array_new_length &) {
	}
	CHECK(hak::allocator<int>() == hak::allocator<wide>());
}

void operator_new_stays_as_it_was()
{
	size_t before = live_bytes();
	std::vector<char> plain(1 << 20);

	CHECK(plain.data() && live_bytes() - before < (1 << 20));
}

const struct contract_case cases[] = {
	CASE_PLAIN(a_resource_gives_the_heaps_memory),
	CASE_PLAIN(resources_are_equal_where_blocks_may_go_over),
	CASE_PLAIN(a_heap_resource_goes_at_once),
	CASE_PLAIN(an_allocator_serves_containers),
	CASE_PLAIN(operator_new_stays_as_it_was),
};

} /* namespace */

CONTRACT_MAIN(cases)

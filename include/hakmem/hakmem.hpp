/* SPDX-License-Identifier: MIT */
/*
 * hakmem.hpp - hakmem for C++'s containers: std::pmr memory resources and an allocator for the
 * standard library. C++17. Only what hakmem.h declares is called, so libhakmem-api is enough, and
 * the program's operator new stays as it is.
 */
#ifndef HAKMEM_HAKMEM_HPP
#define HAKMEM_HAKMEM_HPP

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <new>
#include <type_traits>

#include <hakmem/hakmem.h>

namespace hak {

namespace detail {

/* What hak_malloc aligns to without being asked. */
inline constexpr std::size_t usual_alignment = 16;

inline void *allocate(std::size_t bytes, std::size_t alignment)
{
	void *block = alignment <= usual_alignment ? hak_malloc(bytes)
						   : hak_aligned_alloc(alignment, bytes);

	if (!block)
		throw std::bad_alloc();
	return block;
}

inline void deallocate(void *block, std::size_t bytes, std::size_t alignment) noexcept
{
	if (alignment <= usual_alignment)
		hak_free_sized(block, bytes);
	else
		hak_free_aligned_sized(block, alignment, bytes);
}

} /* namespace detail */

/* The heap of the process. All of them are equal: a block of one may go to another. */
class memory_resource final : public std::pmr::memory_resource {
	void *do_allocate(std::size_t bytes, std::size_t alignment) override
	{
		return detail::allocate(bytes, alignment);
	}

	void do_deallocate(void *block, std::size_t bytes, std::size_t alignment) override
	{
		detail::deallocate(block, bytes, alignment);
	}

	bool do_is_equal(const std::pmr::memory_resource &other) const noexcept override
	{
		return this == &other || dynamic_cast<const memory_resource *>(&other);
	}
};

/* The one to pass on; it outlives all that is static. */
inline memory_resource *get_memory_resource() noexcept
{
	alignas(memory_resource) static unsigned char place[sizeof(memory_resource)];
	static memory_resource *const resource = new (place) memory_resource;

	return resource;
}

/*
 * A heap of one's own: all that was allocated from it goes at once with it. Any thread may use
 * it; none may while it is destroyed. flags: as for hak_heap_create.
 */
class heap_resource final : public std::pmr::memory_resource {
public:
	explicit heap_resource(int flags = 0) : heap(hak_heap_create(flags))
	{
		if (!heap)
			throw std::bad_alloc();
	}

	~heap_resource() override
	{
		hak_heap_destroy(heap);
	}

	heap_resource(const heap_resource &) = delete;
	heap_resource &operator=(const heap_resource &) = delete;

private:
	void *do_allocate(std::size_t bytes, std::size_t alignment) override
	{
		void *block = alignment <= detail::usual_alignment
				      ? hak_heap_alloc(heap, bytes)
				      : hak_heap_allocx(heap, bytes, HAK_ALIGN(alignment));

		if (!block)
			throw std::bad_alloc();
		return block;
	}

	void do_deallocate(void *block, std::size_t, std::size_t) override
	{
		hak_free(block);
	}

	bool do_is_equal(const std::pmr::memory_resource &other) const noexcept override
	{
		return this == &other;
	}

	struct hak_heap *heap;
};

/* For containers whose type names the allocator: std::vector<int, hak::allocator<int>>. */
template <class Type> struct allocator {
	using value_type = Type;
	using is_always_equal = std::true_type;
	using propagate_on_container_move_assignment = std::true_type;

	allocator() noexcept = default;
	template <class Other> allocator(const allocator<Other> &) noexcept {}

	[[nodiscard]] Type *allocate(std::size_t count)
	{
		if (count > PTRDIFF_MAX / sizeof(Type))
			throw std::bad_array_new_length();
		return static_cast<Type *>(detail::allocate(count * sizeof(Type), alignof(Type)));
	}

	void deallocate(Type *block, std::size_t count) noexcept
	{
		detail::deallocate(block, count * sizeof(Type), alignof(Type));
	}
};

template <class One, class Other>
bool operator==(const allocator<One> &, const allocator<Other> &) noexcept
{
	return true;
}

template <class One, class Other>
bool operator!=(const allocator<One> &, const allocator<Other> &) noexcept
{
	return false;
}

} /* namespace hak */

#endif

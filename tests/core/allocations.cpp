#include "allocations.hpp"

#include <cstdlib>
#include <new>

namespace spnode::test {
std::atomic<std::size_t> allocations = 0;

// Functions of their own, because nvcc compiles operator new for devices, too.
static void* allocate(std::size_t size) noexcept {
  ++allocations;
  return std::malloc(size > 0 ? size : 1);
}
static void* allocate_or_throw(std::size_t size) {
  if (void* memory = allocate(size)) return memory;
  throw std::bad_alloc();
}
}  // namespace spnode::test

void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return spnode::test::allocate(size); }
void* operator new(std::size_t size) { return spnode::test::allocate_or_throw(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

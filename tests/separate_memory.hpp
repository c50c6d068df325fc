#pragma once
/// A watch over memory that the host must not touch (SPNODE_SEPARATE_MEMORY): between kernels and copies it
/// is poisoned, so that AddressSanitizer stops a program that reads or writes it on the host.

#include <Kokkos_Core.hpp>

#if defined(SPNODE_SEPARATE_MEMORY) && defined(__SANITIZE_ADDRESS__)

#include "core/memory/memory_space.hpp"

#include <sanitizer/asan_interface.h>

#include <cstring>
#include <map>

namespace spnode::test {

inline constexpr std::size_t header_size = sizeof(Kokkos::Impl::SharedAllocationHeader);

inline std::map<const void*, std::size_t>& separate_arrays() {
  static std::map<const void*, std::size_t> arrays;
  return arrays;
}
inline void open_arrays() {
  for (const auto& [start, size] : separate_arrays()) ASAN_UNPOISON_MEMORY_REGION(start, size);
}
inline void close_arrays() {
  for (const auto& [start, size] : separate_arrays()) ASAN_POISON_MEMORY_REGION(start, size);
}

/// To be called once, after Kokkos::initialize and before the first array.
inline void guard_separate_memory() {
  using namespace Kokkos::Tools::Experimental;
  const auto opens = [](const char*, const std::uint32_t, std::uint64_t*) { open_arrays(); };
  const auto closes = [](const std::uint64_t) { close_arrays(); };
  set_begin_parallel_for_callback(opens);
  set_end_parallel_for_callback(closes);
  set_begin_parallel_reduce_callback(opens);
  set_end_parallel_reduce_callback(closes);
  set_begin_deep_copy_callback([](Kokkos_Profiling_SpaceHandle, const char*, const void*,
                                  Kokkos_Profiling_SpaceHandle, const char*, const void*,
                                  std::uint64_t) { open_arrays(); });
  set_end_deep_copy_callback([] { close_arrays(); });
  set_allocate_data_callback([](const Kokkos_Profiling_SpaceHandle space, const char*,
                                const void* const start, const std::uint64_t size) {
    // Kokkos reads and writes the header of an array, with its label, on the host.
    if (std::strcmp(space.name, core::SeparateMemoryName::get_name()) == 0)
      separate_arrays()[static_cast<const char*>(start) + header_size] = size;
  });
  set_deallocate_data_callback(
      [](const Kokkos_Profiling_SpaceHandle, const char*, const void* const start, const std::uint64_t size) {
        const char* const entries = static_cast<const char*>(start) + header_size;
        if (separate_arrays().erase(entries) > 0) ASAN_UNPOISON_MEMORY_REGION(entries, size);
      });
}

}  // namespace spnode::test

#else

namespace spnode::test {
inline void guard_separate_memory() {}
}  // namespace spnode::test

#endif

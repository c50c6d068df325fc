#pragma once
/// Where kernels run and where their arrays stand.
///
/// With SPNODE_SEPARATE_MEMORY, for tests, arrays stand in host memory that counts as out of the host's
/// reach: copies to the host are real copies and kernels take their form for devices, as with a GPU, and an
/// access that skips the copy is found (tests/separate_memory.hpp). It needs the logical memory spaces of
/// Kokkos 3.

#include <Kokkos_Core.hpp>

namespace spnode::core {

using ExecSpace = Kokkos::DefaultExecutionSpace;

#ifdef SPNODE_SEPARATE_MEMORY
struct SeparateMemoryName {
  static constexpr const char* get_name() { return "spnode::core::SeparateMemory"; }
};
using MemorySpace = Kokkos::Experimental::LogicalMemorySpace<
    Kokkos::HostSpace, ExecSpace, SeparateMemoryName,
    Kokkos::Experimental::LogicalSpaceSharesAccess::no_shared_access>;
#else
using MemorySpace = ExecSpace::memory_space;
#endif

}  // namespace spnode::core

#ifdef SPNODE_SEPARATE_MEMORY
/// Kernels reach it, though the host does not.
template <>
struct Kokkos::SpaceAccessibility<spnode::core::ExecSpace, spnode::core::MemorySpace> {
  enum { accessible = true, assignable = true, deepcopy = true };
  using space = Kokkos::Device<spnode::core::ExecSpace, spnode::core::MemorySpace>;
};
/// A kernel of a host backend counts as host to the check that stands in every access.
template <>
struct Kokkos::Impl::verify_space<Kokkos::HostSpace, spnode::core::MemorySpace, false> {
  KOKKOS_FUNCTION static void check() {}
};
#endif

#pragma once
/// Numbers of entries as MPI takes them.

#include "core/support/error.hpp"

#include <cstddef>
#include <limits>
#include <string>

namespace spnode::parallel {

/// `count` as MPI counts; raises UsageError beyond 2^31 - 1. Not collective.
inline int mpi_count(std::size_t count) {
  constexpr int most = std::numeric_limits<int>::max();
  if (count > static_cast<std::size_t>(most))
    throw UsageError(std::to_string(count) + " numbers are too many for one message; MPI allows at most " +
                     std::to_string(most));
  return static_cast<int>(count);
}

}  // namespace spnode::parallel

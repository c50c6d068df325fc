#pragma once

#include <cmath>
#include <cstddef>

namespace spnode::core {

/// The Euclidean norm of the fast variables of a lane, those from `first` on, of states on the host.
template <class HostStates>
double fast_norm(const HostStates& states, std::size_t lane, std::size_t first) {
  double squares = 0.0;
  for (std::size_t i = first; i < states.extent(0); ++i)
    squares += double(states(i, lane)) * double(states(i, lane));
  return std::sqrt(squares);
}

}  // namespace spnode::core

#pragma once

#include "core/data/trajectories.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace spnode::test {

/// Of the components of all states.
inline double largest_difference(const core::Trajectories& a, const core::Trajectories& b) {
  double largest = 0.0;
  for (std::size_t i = 0; i < a.state.size(); ++i)
    largest = std::max(largest, std::abs(a.state[i] - b.state[i]));
  return largest;
}

}  // namespace spnode::test

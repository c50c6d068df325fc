#include "core/limit_sets/orbits.hpp"

#include <algorithm>
#include <cmath>

namespace spnode::core {

// The cubic is u + s (c_1 + s (c_2 + s c_3)).
double CubicStep::value(std::size_t i, double share) const {
  const double rise = next[i] - u[i];
  const double c2 = 3.0 * rise - 2.0 * change[i] - next_change[i];
  const double c3 = change[i] + next_change[i] - 2.0 * rise;
  return u[i] + share * (change[i] + share * (c2 + share * c3));
}

double CubicStep::maximum(std::size_t i) const {
  const double rise = next[i] - u[i];
  const double c = change[i], b = 2.0 * (3.0 * rise - 2.0 * change[i] - next_change[i]),
               a = 3.0 * (change[i] + next_change[i] - 2.0 * rise);
  // a s^2 + b s + c falls through zero at c / (sqrt(b^2 / 4 - a c) - b / 2).
  const double share = c / (std::sqrt(std::max(0.25 * b * b - a * c, 0.0)) - 0.5 * b);
  return share >= 0.0 && share <= 1.0 ? share : 1.0;
}

}  // namespace spnode::core

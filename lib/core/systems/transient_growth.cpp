#include "core/systems/transient_growth.hpp"

#include <cmath>

namespace spnode::core {

void TransientGrowth::rhs(std::span<const double> u, std::span<double> rate) const {
  rate[0] = -2.0 * u[0] + 10.0 * u[1] + epsilon_ * std::sin(u[0]);
  rate[1] = -2.0 * u[1] + epsilon_ * std::sin(u[1]);
}

void TransientGrowth::jacobian(std::span<const double> u, std::span<double> matrix) const {
  matrix[0] = -2.0 + epsilon_ * std::cos(u[0]);
  matrix[1] = 10.0;
  matrix[2] = 0.0;
  matrix[3] = -2.0 + epsilon_ * std::cos(u[1]);
}

void TransientGrowth::initial_state(const Random& random, std::span<double> u) const {
  for (std::size_t i = 0; i < 2; ++i) u[i] = random.uniform(i, -1.0, 1.0);
}

}  // namespace spnode::core

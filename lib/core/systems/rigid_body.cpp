#include "core/systems/rigid_body.hpp"

#include <cmath>

namespace spnode::core {

namespace {

constexpr double inverse_inertia[3] = {1.0 / 1.6, 1.0, 1.5};

/// dy_i/dt = c_i y_j y_k with (i, j, k) a cyclic permutation of (0, 1, 2).
struct Product {
  std::size_t j, k;
  double c;
};
Product product(std::size_t i) {
  const std::size_t j = (i + 1) % 3, k = (i + 2) % 3;
  return {j, k, inverse_inertia[k] - inverse_inertia[j]};
}

}  // namespace

void RigidBody::rhs(std::span<const double> y, std::span<double> rate) const {
  for (std::size_t i = 0; i < 3; ++i) {
    const auto [j, k, c] = product(i);
    rate[i] = c * y[j] * y[k];
  }
}

void RigidBody::jacobian(std::span<const double> y, std::span<double> matrix) const {
  for (std::size_t i = 0; i < 3; ++i) {
    const auto [j, k, c] = product(i);
    matrix[3 * i + i] = 0.0;
    matrix[3 * i + j] = c * y[k];
    matrix[3 * i + k] = c * y[j];
  }
}

void RigidBody::initial_state(const Random& random, std::span<double> y) const {
  const double phi = random.uniform(0, 0.5, 1.5);
  y[0] = std::cos(phi);
  y[1] = 0.0;
  y[2] = std::sin(phi);
}

}  // namespace spnode::core

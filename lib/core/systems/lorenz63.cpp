#include "core/systems/lorenz63.hpp"

namespace spnode::core {

void Lorenz63::rhs(std::span<const double> u, std::span<double> rate) const {
  rate[0] = sigma_ * (u[1] - u[0]);
  rate[1] = u[0] * (rho_ - u[2]) - u[1];
  rate[2] = u[0] * u[1] - beta_ * u[2];
}

void Lorenz63::jacobian(std::span<const double> u, std::span<double> matrix) const {
  const double entries[9] = {-sigma_, sigma_, 0.0, rho_ - u[2], -1.0, -u[0], u[1], u[0], -beta_};
  for (std::size_t i = 0; i < 9; ++i) matrix[i] = entries[i];
}

void Lorenz63::initial_state(const Random& random, std::span<double> u) const {
  u[0] = random.uniform(0, -20.0, 20.0);
  u[1] = random.uniform(1, -25.0, 25.0);
  u[2] = random.uniform(2, 5.0, 45.0);
}

}  // namespace spnode::core

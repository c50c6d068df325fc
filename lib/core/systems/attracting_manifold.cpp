#include "core/systems/attracting_manifold.hpp"

#include <cmath>

namespace spnode::core {
namespace {

double lambda(double x) { return -1.0 - std::cos(2.0 * x) / 10.0; }
double theta(double x) { return 2.0 * std::tanh(x); }
double theta_slope(double x) { return 2.0 - theta(x) * theta(x) / 2.0; }

}  // namespace

void AttractingManifold::rhs(std::span<const double> u, std::span<double> rate) const {
  rate[0] = -epsilon_ * (std::sin(u[0]) + u[1]);
  rate[1] = lambda(u[0]) * (u[1] - theta(u[0]));
}

void AttractingManifold::jacobian(std::span<const double> u, std::span<double> matrix) const {
  matrix[0] = -epsilon_ * std::cos(u[0]);
  matrix[1] = -epsilon_;
  matrix[2] = std::sin(2.0 * u[0]) / 5.0 * (u[1] - theta(u[0])) - lambda(u[0]) * theta_slope(u[0]);
  matrix[3] = lambda(u[0]);
}

void AttractingManifold::initial_state(const Random& random, std::span<double> u) const {
  for (std::size_t i = 0; i < 2; ++i) u[i] = random.uniform(i, -1.0, 1.0);
}

void AttractingManifold::to_slow_manifold(std::span<double> u) const {
  const double x = u[0];
  u[1] = theta(x) - epsilon_ * theta_slope(x) * (std::sin(x) + theta(x)) / lambda(x);
}

}  // namespace spnode::core

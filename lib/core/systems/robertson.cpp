#include "core/systems/robertson.hpp"

namespace spnode::core {

namespace {

constexpr double k1 = 0.04, k2 = 3e7, k3 = 1e4;  // rate constants

}  // namespace

void Robertson::rhs(std::span<const double> y, std::span<double> rate) const {
  const double forward = k1 * y[0], pair = k2 * y[1] * y[1], back = k3 * y[1] * y[2];
  rate[0] = back - forward;
  rate[1] = forward - back - pair;
  rate[2] = pair;
}

void Robertson::jacobian(std::span<const double> y, std::span<double> matrix) const {
  const double by_y2 = k3 * y[2], by_y3 = k3 * y[1], pair = 2.0 * k2 * y[1];
  const double entries[9] = {-k1, by_y2, by_y3, k1, -by_y2 - pair, -by_y3, 0.0, pair, 0.0};
  for (std::size_t i = 0; i < 9; ++i) matrix[i] = entries[i];
}

void Robertson::initial_state(const Random& random, std::span<double> y) const {
  y[0] = 1.0 + perturbation_ * random.uniform(0, -1.0, 1.0);
  y[1] = 1e-4 * perturbation_ * random.uniform(1);
  y[2] = perturbation_ * random.uniform(2);
}

}  // namespace spnode::core

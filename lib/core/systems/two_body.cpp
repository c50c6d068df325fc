#include "core/systems/two_body.hpp"

#include <cmath>

namespace spnode::core {

void TwoBody::rhs(std::span<const double> u, std::span<double> rate) const {
  const double square = u[0] * u[0] + u[1] * u[1], cube = square * std::sqrt(square);
  rate[0] = u[2];
  rate[1] = u[3];
  rate[2] = -u[0] / cube;
  rate[3] = -u[1] / cube;
}

void TwoBody::jacobian(std::span<const double> u, std::span<double> matrix) const {
  const double square = u[0] * u[0] + u[1] * u[1], cube = square * std::sqrt(square),
               fifth = 3.0 / (square * cube);
  const double mixed = fifth * u[0] * u[1];
  const double entries[16] = {0.0,
                              0.0,
                              1.0,
                              0.0,
                              0.0,
                              0.0,
                              0.0,
                              1.0,
                              fifth * u[0] * u[0] - 1.0 / cube,
                              mixed,
                              0.0,
                              0.0,
                              mixed,
                              fifth * u[1] * u[1] - 1.0 / cube,
                              0.0,
                              0.0};
  for (std::size_t i = 0; i < 16; ++i) matrix[i] = entries[i];
}

void TwoBody::initial_state(const Random& random, std::span<double> u) const {
  const double e = random.uniform(0, 0.5, 0.7);
  u[0] = 1.0 - e;
  u[1] = 0.0;
  u[2] = 0.0;
  u[3] = std::sqrt((1.0 + e) / (1.0 - e));
}

}  // namespace spnode::core

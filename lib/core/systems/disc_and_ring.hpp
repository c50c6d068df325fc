#pragma once
/// A flow that tells the points of a disc from those of the ring around it.

#include "core/systems/reference_system.hpp"

#include <cmath>
#include <numbers>

namespace spnode::core {

/// In polar coordinates (LECTURE, "This data topology can be resolved using a non-smooth Neural ODE")
///
///     r < 1:   dr/dt = -r,         dtheta/dt = 0,
///     r >= 1:  dr/dt = r (2 - r),  dtheta/dt = -theta,   -pi < theta <= pi.
///
/// The disc goes to the origin and the ring to the point (2, 0). The flow tears the plane at r = 1 and at
/// theta = pi; a continuous one cannot, because the image of the ring surrounds that of the disc at all
/// times. No trajectory crosses either line. Initial states: half of them uniform in the disc r < 0.8, the
/// others in the ring 1.2 < r < 2.
class DiscAndRing final : public ReferenceSystem {
 public:
  std::size_t dimension() const override { return 2; }
  Solution solution() const override { return Solution::explicit_adaptive; }

  void rhs(std::span<const double> u, std::span<double> rate) const override {
    const double r = std::hypot(u[0], u[1]);
    const double growth = r < 1.0 ? -1.0 : 2.0 - r, theta = r < 1.0 ? 0.0 : std::atan2(u[1], u[0]);
    rate[0] = growth * u[0] + theta * u[1];
    rate[1] = growth * u[1] - theta * u[0];
  }

  /// On either side of the lines.
  void jacobian(std::span<const double> u, std::span<double> matrix) const override {
    const double x = u[0], y = u[1], r = std::hypot(x, y);
    if (r < 1.0) {
      matrix[0] = matrix[3] = -1.0;
      matrix[1] = matrix[2] = 0.0;
      return;
    }
    const double theta = std::atan2(y, x), off = x * y / (r * r) - x * y / r;
    matrix[0] = 2.0 - r - x * x / r - y * y / (r * r);
    matrix[1] = off + theta;
    matrix[2] = off - theta;
    matrix[3] = 2.0 - r - y * y / r - x * x / (r * r);
  }

  void initial_state(const Random& random, std::span<double> u) const override {
    const bool disc = random.uniform(0, 0.0, 1.0) < 0.5;
    const double r = std::sqrt(disc ? random.uniform(1, 0.0, 0.64) : random.uniform(1, 1.44, 4.0));
    const double theta = random.uniform(2, -std::numbers::pi, std::numbers::pi);
    u[0] = r * std::cos(theta);
    u[1] = r * std::sin(theta);
  }

  std::vector<std::string> component_names() const override { return {"x", "y"}; }
};

}  // namespace spnode::core

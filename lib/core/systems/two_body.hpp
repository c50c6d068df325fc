#pragma once
/// Kepler's problem in the plane.

#include "core/systems/reference_system.hpp"

namespace spnode::core {

/// A body in the field of another one that rests at the origin, state (x, y, x', y') (JACREG, eq. (11)):
///
///     x'' = -x / r^3,  y'' = -y / r^3,  r = sqrt(x^2 + y^2) .
///
/// Energy (x'^2 + y'^2) / 2 - 1 / r and angular momentum x y' - y x' are conserved. Initial states are the
/// pericentres (1 - e, 0, 0, sqrt((1 + e) / (1 - e))) of ellipses with semi-axis 1 and period 2 pi, their
/// eccentricity e uniform in (0.5, 0.7).
class TwoBody final : public ReferenceSystem {
 public:
  std::size_t dimension() const override { return 4; }
  Solution solution() const override { return Solution::explicit_adaptive; }
  void rhs(std::span<const double> u, std::span<double> rate) const override;
  void jacobian(std::span<const double> u, std::span<double> matrix) const override;
  void initial_state(const Random& random, std::span<double> u) const override;
  std::vector<std::string> component_names() const override { return {"x", "y", "x'", "y'"}; }
};

}  // namespace spnode::core

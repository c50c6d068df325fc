#pragma once
/// Euler's equations of a rigid body.

#include "core/systems/reference_system.hpp"

namespace spnode::core {

/// Angular momentum y of a body without torque in its principal axes (JACREG, eq. (12)):
///
///     dy/dt = y x (I^-1 y),  I = diag(1.6, 1, 2/3) .
///
/// The Casimir function |y|^2 / 2 and the energy y . (I^-1 y) / 2 are conserved. Initial states are
/// (cos phi, 0, sin phi), phi uniform in (0.5, 1.5).
class RigidBody final : public ReferenceSystem {
 public:
  std::size_t dimension() const override { return 3; }
  Solution solution() const override { return Solution::explicit_adaptive; }
  void rhs(std::span<const double> y, std::span<double> rate) const override;
  void jacobian(std::span<const double> y, std::span<double> matrix) const override;
  void initial_state(const Random& random, std::span<double> y) const override;
  std::vector<std::string> component_names() const override { return {"y1", "y2", "y3"}; }
};

}  // namespace spnode::core

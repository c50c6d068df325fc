#pragma once
/// Robertson's chemical reaction, a stiff system.

#include "core/systems/reference_system.hpp"

namespace spnode::core {

/// Three concentrations, time in seconds (SPNODE-25, section 5.2; Robertson 1966):
///
///     dy1/dt = -0.04 y1 + 1e4 y2 y3
///     dy2/dt =  0.04 y1 - 1e4 y2 y3 - 3e7 y2^2
///     dy3/dt =                        3e7 y2^2
///
/// y1 + y2 + y3 is conserved. The states are physical; y2, some 1e-5, is scaled by the model, not here.
/// Initial states, for the relative spread p: y1 = 1 + p U(-1, 1), y2 = 1e-4 p U(0, 1), y3 = p U(0, 1), so
/// that no concentration is negative and each is perturbed by p in the scaled variables (y1, 1e4 y2, y3).
class Robertson final : public ReferenceSystem {
 public:
  explicit Robertson(double perturbation) : perturbation_(perturbation) {}

  std::size_t dimension() const override { return 3; }
  Solution solution() const override { return Solution::implicit_adaptive; }
  void rhs(std::span<const double> y, std::span<double> rate) const override;
  void jacobian(std::span<const double> y, std::span<double> matrix) const override;
  void initial_state(const Random& random, std::span<double> y) const override;
  std::vector<std::vector<double>> linear_invariants() const override { return {{1.0, 1.0, 1.0}}; }
  std::vector<double> negligible_sizes() const override { return {1e-4, 1e-9, 1e-4}; }
  std::vector<std::string> component_names() const override { return {"y1", "y2", "y3"}; }
  std::string units() const override { return "concentrations relative to the initial y1; time in seconds"; }

 private:
  double perturbation_;
};

}  // namespace spnode::core

#pragma once
/// Lorenz's system of three equations.

#include "core/systems/reference_system.hpp"

namespace spnode::core {

/// dx/dt = sigma (y - x), dy/dt = x (rho - z) - y, dz/dt = x y - beta z (Lorenz 1963; LECTURE).
///
/// Chaotic for the common sigma = 10, rho = 28, beta = 8/3. Initial states are uniform in [-20, 20] x [-25,
/// 25] x [5, 45], around the attractor of these values.
class Lorenz63 final : public ReferenceSystem {
 public:
  Lorenz63(double sigma, double rho, double beta) : sigma_(sigma), rho_(rho), beta_(beta) {}

  std::size_t dimension() const override { return 3; }
  Solution solution() const override { return Solution::explicit_adaptive; }
  void rhs(std::span<const double> u, std::span<double> rate) const override;
  void jacobian(std::span<const double> u, std::span<double> matrix) const override;
  void initial_state(const Random& random, std::span<double> u) const override;
  std::vector<std::string> component_names() const override { return {"x", "y", "z"}; }

 private:
  double sigma_, rho_, beta_;
};

}  // namespace spnode::core

#pragma once
/// A plane with an attracting slow curve.

#include "core/systems/reference_system.hpp"

namespace spnode::core {

/// dx/dt = -eps (sin x + y), dy/dt = lambda(x) (y - theta(x)) with lambda = -1 - cos(2 x) / 10 and
/// theta = 2 tanh x (FSNN, eqs. (5.1), (5.2)).
///
/// x is slow. The slow manifold is y = theta - eps theta' (sin x + theta) / lambda + O(eps^2). Initial states
/// are uniform in [-1, 1]^2.
class AttractingManifold final : public ReferenceSystem {
 public:
  explicit AttractingManifold(double epsilon) : epsilon_(epsilon) {}

  std::size_t dimension() const override { return 2; }
  Solution solution() const override { return Solution::explicit_adaptive; }
  void rhs(std::span<const double> u, std::span<double> rate) const override;
  void jacobian(std::span<const double> u, std::span<double> matrix) const override;
  void initial_state(const Random& random, std::span<double> u) const override;
  std::size_t slow_components() const override { return 1; }
  void to_slow_manifold(std::span<double> u) const override;
  std::vector<std::string> component_names() const override { return {"x", "y"}; }

 private:
  double epsilon_;
};

}  // namespace spnode::core

#pragma once
/// A stable system with transient growth.

#include "core/systems/reference_system.hpp"

namespace spnode::core {

/// du/dt = A u + epsilon sin(u), component by component, A = [[-2, 10], [0, -2]] (SPNODE-25, eqs. (21) and
/// (23), A_bump).
///
/// Both eigenvalues of A are -2, while its numerical abscissa is 3: |u| grows before it decays. For epsilon =
/// 0, exp(t A) = e^{-2t} [[1, 10 t], [0, 1]]. Initial states are uniform in [-1, 1]^2.
class TransientGrowth final : public ReferenceSystem {
 public:
  explicit TransientGrowth(double epsilon) : epsilon_(epsilon) {}

  std::size_t dimension() const override { return 2; }
  Solution solution() const override {
    return epsilon_ == 0.0 ? Solution::linear_exact : Solution::explicit_adaptive;
  }
  void rhs(std::span<const double> u, std::span<double> rate) const override;
  void jacobian(std::span<const double> u, std::span<double> matrix) const override;
  void initial_state(const Random& random, std::span<double> u) const override;
  std::vector<std::string> component_names() const override { return {"x1", "x2"}; }

 private:
  double epsilon_;
};

}  // namespace spnode::core

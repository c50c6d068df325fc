#pragma once
/// Lorenz's system of two scales.

#include "core/systems/options.hpp"
#include "core/systems/reference_system.hpp"

namespace spnode::core {

/// K slow variables x_k and, for each, J fast ones y_jk, periodic in k and, for each k, in j (FSNN, eq.
/// (5.8)):
///
///     dx_k/dt  = -eps x_{k-1} (x_{k-2} - x_{k+1}) - eps x_k - eps^2 sum_j y_jk
///     dy_jk/dt = -y_{j+1,k} (y_{j+2,k} - y_{j-1,k}) - y_jk + x_k
///
/// x first, then y_11, y_21, ... The energy sum x^2 / 2 + eps^2 sum y^2 / 2 decays (eq. (5.15)). The slow
/// manifold is y_jk = x_k - dx_k/dt + O(eps^2), which attracts where -1/2 < x_k < 8/9. Initial states have x
/// uniform in [-1/2, 1] and y normal.
class Lorenz96 final : public ReferenceSystem {
 public:
  Lorenz96(const Lorenz96Options& options, double epsilon)
      : K_(options.slow), J_(options.fast), epsilon_(epsilon) {}

  std::size_t dimension() const override { return K_ * (1 + J_); }
  Solution solution() const override { return Solution::explicit_adaptive; }
  void rhs(std::span<const double> u, std::span<double> rate) const override;
  void jacobian(std::span<const double> u, std::span<double> matrix) const override;
  void initial_state(const Random& random, std::span<double> u) const override;
  std::size_t slow_components() const override { return K_; }
  void to_slow_manifold(std::span<double> u) const override;
  std::vector<std::string> component_names() const override;

 private:
  std::size_t fast(std::size_t j, std::size_t k) const { return K_ + k * J_ + j % J_; }

  std::size_t K_, J_;
  double epsilon_;
};

}  // namespace spnode::core

#pragma once
/// The linear Grad moment system with its slow variables first.

#include "core/systems/grad13.hpp"

namespace spnode::core {

/// Grad13 (FSNN, eq. (5.6), for the modes k = 0, 1, 2) with the components reordered: density, velocity and
/// temperature of all modes are slow and come first (18), stress and heat flux are fast (12).
///
/// The slow manifold is the subspace of the slow eigenvalues, y = H x mode by mode, computed to rounding.
/// Raises OptionError where epsilon is so large that there is none.
class GradMoments final : public ReferenceSystem {
 public:
  static constexpr std::size_t slow = 3;  ///< of Grad13::variables

  explicit GradMoments(double epsilon);

  std::size_t dimension() const override { return system_.dimension(); }
  Solution solution() const override { return Solution::linear_exact; }
  void rhs(std::span<const double> u, std::span<double> rate) const override;
  void jacobian(std::span<const double> u, std::span<double> matrix) const override;
  void initial_state(const Random& random, std::span<double> u) const override;
  std::size_t slow_components() const override { return 2 * Grad13::modes * slow; }
  void to_slow_manifold(std::span<double> u) const override;
  std::vector<std::vector<double>> linear_invariants() const override;
  std::vector<std::string> component_names() const override;

 private:
  Grad13 system_;
  std::vector<std::size_t> place_;  // of each component in Grad13
  std::vector<double> manifold_;    // y = H x, (fast, slow) row major
};

}  // namespace spnode::core

#pragma once
/// The linear Grad-13 moment system.

#include "core/systems/reference_system.hpp"

namespace spnode::core {

/// Fourier modes k = 0, 1, 2 of density, velocity, temperature, stress and heat flux of a linear moment
/// system in one dimension (SPNODE-24, eq. (5.12)):
///
///     d rho_k   / dt = -i k eps u_k
///     d u_k     / dt = -i k eps (rho_k + T_k + sigma_k)
///     d T_k     / dt = -i k eps 2/3 (u_k + q_k)
///     d sigma_k / dt = -sigma_k - i k eps (4/3 u_k + 8/15 q_k)
///     d q_k     / dt = -2/3 q_k - i k eps (5/2 T_k + sigma_k)
///
/// 30 real components: mode by mode, variable by variable, real part then imaginary part. Modes -1 and -2 of
/// a real field are the conjugates of 1 and 2 and obey the conjugate equations; they are left out. Six
/// eigenvalues are exactly 0 (rho_0, u_0, T_0 are conserved). Initial states are uniform in [-1, 1] x [-i, i]
/// for each coefficient.
class Grad13 final : public ReferenceSystem {
 public:
  static constexpr std::size_t modes = 3, variables = 5;

  explicit Grad13(double epsilon) : epsilon_(epsilon) {}

  std::size_t dimension() const override { return 2 * modes * variables; }
  Solution solution() const override { return Solution::linear_exact; }
  void rhs(std::span<const double> u, std::span<double> rate) const override;
  void jacobian(std::span<const double> u, std::span<double> matrix) const override;
  void initial_state(const Random& random, std::span<double> u) const override;
  std::vector<std::vector<double>> linear_invariants() const override;
  std::vector<std::string> component_names() const override;

  /// Index of the real part of a coefficient; the imaginary part follows it.
  static constexpr std::size_t index(std::size_t mode, std::size_t variable) {
    return 2 * (mode * variables + variable);
  }

 private:
  double epsilon_;
};

}  // namespace spnode::core

#pragma once
/// The Kuramoto-Sivashinsky equation on a periodic domain.

#include "core/systems/reference_system.hpp"

namespace spnode::core {

/// du/dt = -u u_x - u_xx - u_xxxx, periodic in 0 <= x < L, at N equidistant points x_j = j L / N (SPNODE-25,
/// eq. (24)).
///
/// Pseudo-spectral: -u u_x = -(u^2)_x / 2, derivatives of the trigonometric interpolant without its mode N/2,
/// no dealiasing. rhs() and jacobian() use dense differentiation matrices (N^2 operations) and state the
/// discretisation; trajectories are computed with fast transforms (reference/kuramoto_sivashinsky.hpp).
/// The mean of u is conserved and is zero in all initial states, which are random and smooth: mode m has
/// normally distributed coefficients of size exp(-q^2 / 2), q = 2 pi m / L.
class KuramotoSivashinsky final : public ReferenceSystem {
 public:
  /// domain_length > 0, dimensionless; grid_points: even, at least 4.
  KuramotoSivashinsky(double domain_length, std::size_t grid_points);

  std::size_t dimension() const override { return grid_points_; }
  Solution solution() const override { return Solution::fourier_etdrk4; }
  void rhs(std::span<const double> u, std::span<double> rate) const override;
  void jacobian(std::span<const double> u, std::span<double> matrix) const override;
  void initial_state(const Random& random, std::span<double> u) const override;
  std::vector<std::vector<double>> linear_invariants() const override;
  std::vector<std::string> component_names() const override;

  /// Wave number q = 2 pi m / L of the mode m < N / 2.
  double wave_number(std::size_t mode) const;
  /// Growth rate q^2 - q^4 of a mode of the linear part, 1/time.
  double growth_rate(std::size_t mode) const;

 private:
  double domain_length_;
  std::size_t grid_points_;
  /// First columns of the circulant matrices of d/dx and of the linear part: entry (i, j) is column[(i - j)
  /// mod N].
  std::vector<double> derivative_, linear_;
};

}  // namespace spnode::core

#pragma once
/// An electron in a magnetic field with radiation reaction.

#include "core/systems/reference_system.hpp"

#include <array>

namespace spnode::core {

/// The reverse-time Abraham-Lorentz equations (FSNN, eq. (5.20)) for position x, velocity v and acceleration
/// a, in this order:
///
///     dx/dt = -(2/3) eps v,   dv/dt = -(2/3) eps a,   da/dt = -a + zeta v x B(x) .
///
/// zeta = -1 for electrons, +1 for positrons. B is an idealised tokamak (eq. (5.22)) with q_0 = 1.2,
/// q_2 = 2.8, a = 1.5, R_0 = 3, B_0 = 1. In reverse time a is attracted to the slow manifold
///
///     a* = zeta v x B + (2/3) eps [(v x B) x B + zeta v x ((v . grad) B)] + O(eps^2)
///
/// (the printed eq. (5.21) has another factor and lacks the gradient). Initial states: distance to the axis
/// of the torus uniform in [2, 4], height in [-1, 1], |v| <= 1 and |a - a*| <= 1, uniform in the balls.
class AbrahamLorentz final : public ReferenceSystem {
 public:
  AbrahamLorentz(double charge, double epsilon) : zeta_(charge), epsilon_(epsilon) {}

  std::size_t dimension() const override { return 9; }
  Solution solution() const override { return Solution::explicit_adaptive; }
  void rhs(std::span<const double> u, std::span<double> rate) const override;
  void jacobian(std::span<const double> u, std::span<double> matrix) const override;
  void initial_state(const Random& random, std::span<double> u) const override;
  std::size_t slow_components() const override { return 6; }
  void to_slow_manifold(std::span<double> u) const override;
  std::vector<std::string> component_names() const override {
    return {"x1", "x2", "x3", "v1", "v2", "v3", "a1", "a2", "a3"};
  }

  /// B(x), and dB_i/dx_j in row i, column j.
  struct Field {
    std::array<double, 3> B;
    std::array<std::array<double, 3>, 3> gradient;
  };
  static Field field(std::span<const double> x);

 private:
  double zeta_, epsilon_;
};

}  // namespace spnode::core

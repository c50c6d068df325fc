#pragma once

#include "core/linear/hurwitz.hpp"

#include <vector>

namespace spnode::core {

/// A_L = mu I + diag(B_1, B_2, ...) of 2 x 2 blocks
///
///   B = [ -a - s,  c - b ]     a = exp(alpha),  R = sqrt(a^2 + b^2),
///       [  c + b, -a + s ]     (s, c) = R (p, q) / sqrt(1 + p^2 + q^2).
///
/// tr B = -2 a < 0 and det B = a^2 + b^2 - s^2 - c^2 = R^2 / (1 + p^2 + q^2) > 0: B is Hurwitz. Conversely
/// every Hurwitz 2 x 2 matrix is one such B for exactly one (alpha, b, p, q): its trace gives a, its skew
/// part b, and its trace-free symmetric part (s, c) lies in the disc of radius R because det > 0. So all
/// pairs of eigenvalues are reached, complex or real, and transient growth within a pair. An odd n ends with
/// the number -exp(alpha).
///
/// Blocks: alpha (n / 2 rounded up), b (n / 2), shear (n / 2, 2).
class BlockHurwitz final : public HurwitzOperator {
 public:
  BlockHurwitz(std::size_t dimension, const HurwitzOptions& options) : n_(dimension), options_(options) {}

  LinearShape shape() const override { return {LinearStructure::block_diagonal, n_}; }
  double bound() const override { return options_.mu; }
  void declare(ParameterLayout& layout) override;
  void initialise(std::uint64_t seed, std::span<double> theta) const override;
  void scale_value(double factor, std::span<double> theta) const override;
  void assemble(std::span<const double> theta, std::span<double> A) const override;
  void assemble_vjp(std::span<const double> theta, std::span<const double> A_bar,
                    std::span<double> theta_bar) const override;
  void assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                    std::span<double> A_dot) const override;

 private:
  std::size_t n_;
  HurwitzOptions options_;
  ParameterBlock alpha_, b_, shear_;
};

}  // namespace spnode::core

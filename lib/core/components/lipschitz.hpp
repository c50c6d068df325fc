#pragma once
/// The normalised weights of a Lipschitz-controlled layer (SPNODE-25, eq. (8)), with adjoint and tangent.

#include "core/components/options.hpp"

#include <cstddef>
#include <span>

namespace spnode::core {

/// Shape and bound of one layer: B = bound W / s(W) with s >= max(1, sqrt(||W||_1 ||W||_inf)), so that
/// ||B||_2 <= bound.
///
/// exact: equality. The maxima are differentiated by the subgradient of the first row and column that attain
/// them.
/// smooth: infinitely differentiable, for methods of second order, which stall at kinks. With
/// |x|_d = sqrt(x^2 + d^2), d = 0.01, row sums r_i and column sums c_j of |W|_d, and norms of order q = 16 in
/// place of the maxima,
///     s = (1 + (||r||_q ||c||_q)^{q/2})^{1/q}.
/// The norms exceed the maxima by the factors outputs^{1/q} and inputs^{1/q} at most (50: 1.28).
struct LipschitzLayer {
  std::size_t outputs, inputs;
  double bound;
  LipschitzDivisor divisor = LipschitzDivisor::exact;

  /// B from W, both (outputs, inputs) row major.
  void assemble(std::span<const double> W, std::span<double> B) const;

  /// W from B: assemble(W) = B / k up to rounding. Gives k, 1 where the bound leaves room for B, else what
  /// brings sqrt(||B||_1 ||B||_inf) down to 0.8 of it.
  double invert(std::span<const double> B, std::span<double> W) const;

  /// W_bar += (d B / d W)^T B_bar.
  void assemble_vjp(std::span<const double> W, std::span<const double> B_bar, std::span<double> W_bar) const;

  /// B_dot = (d B / d W) W_dot.
  void assemble_jvp(std::span<const double> W, std::span<const double> W_dot, std::span<double> B_dot) const;
};

}  // namespace spnode::core

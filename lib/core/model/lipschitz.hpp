#pragma once
/// The normalised weights of a Lipschitz-controlled layer (SPNODE-25, eq. (8)), with adjoint and tangent.

#include <cstddef>
#include <span>

namespace spnode::core {

/// Shape and bound of one layer: B = bound W / max(1, sqrt(||W||_1 ||W||_inf)) has ||B||_2 <= bound.
struct LipschitzLayer {
  std::size_t outputs, inputs;
  double bound;

  /// B from W, both (outputs, inputs) row major.
  void realise(std::span<const double> W, std::span<double> B) const;

  /// W_bar += (d B / d W)^T B_bar.
  void realise_vjp(std::span<const double> W, std::span<const double> B_bar, std::span<double> W_bar) const;

  /// B_dot = (d B / d W) W_dot.
  void realise_jvp(std::span<const double> W, std::span<const double> W_dot, std::span<double> B_dot) const;
};

}  // namespace spnode::core

#pragma once
/// Exponentials of matrices of which every lane has its own, applied to vectors.

#include "core/memory/scratch.hpp"
#include "core/memory/types.hpp"

#include <cstddef>

namespace spnode::core {

/// out_l = phi_0(c h T) v + h sum_{k=1}^{terms} phi_k(c h T) w_k with T, h, v and w_k of the lane l: the
/// solution at s = 1 of y' = c h T y + h sum_k w_k s^{k-1} / (k - 1)!, y(0) = v.
///
/// Per lane in m steps of a Taylor series of fixed degree, m so that the norm of c h T / m is at most 2:
/// errors of rounding size. The cost grows with m, the number of times that the fastest time scale fits into
/// a step. The bits of a lane do not depend on the lanes beside it.
template <class Real>
struct LaneExponential {
  static constexpr std::size_t most_terms = 3;
  static constexpr std::size_t degree = 24;
  static constexpr std::size_t most_steps = 10000;

  ConstMatrixView<Real> T;  ///< (n^2, lanes), row major in each lane
  ConstVectorView<Real> h;  ///< (lanes)
  double c;
  ConstMatrixView<Real> v;                                  ///< (n, lanes)
  Kokkos::Array<ConstMatrixView<Real>, most_terms> w = {};  ///< (n, lanes); the first `terms`
  std::size_t terms = 0;

  /// out (n, lanes), overwritten; none of the operands. Raises NumericalError where a lane needs more than
  /// most_steps steps.
  void apply(const ExecSpace& space, MatrixView<Real> out, Scratch<Real>& scratch) const;

  struct Bars {
    MatrixView<Real> T, v;                               ///< +=
    Kokkos::Array<MatrixView<Real>, most_terms> w = {};  ///< +=
  };
  /// The adjoint of apply(), with the number of steps frozen.
  void apply_vjp(const ExecSpace& space, ConstMatrixView<Real> out_bar, const Bars& bars,
                 Scratch<Real>& scratch) const;

  struct Dots {
    ConstMatrixView<Real> T, v;
    Kokkos::Array<ConstMatrixView<Real>, most_terms> w = {};
  };
  /// out_dot (n, lanes), overwritten.
  void apply_jvp(const ExecSpace& space, const Dots& dots, MatrixView<Real> out_dot,
                 Scratch<Real>& scratch) const;
};

}  // namespace spnode::core

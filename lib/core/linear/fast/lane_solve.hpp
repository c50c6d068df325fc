#pragma once
/// Linear systems of which every lane has its own.

#include "core/kernels/gemm.hpp"
#include "core/memory/scratch.hpp"
#include "core/memory/types.hpp"

namespace spnode::core {

/// (I - c h_l T_l) w = r, or with the transpose of T_l, in every lane l.
template <class Real>
struct LaneSystem {
  ConstMatrixView<Real> T;  ///< (n^2, lanes), row major in each lane
  ConstVectorView<Real> h;  ///< (lanes)
  double c;
  bool is_triangular;  ///< T is block upper triangular, blocks (2, 2)
};

/// w (n, lanes) = the solution, overwritten; may be r.
///
/// Triangular: back substitution with the determinants of the blocks, which are above 1 where c h > 0 and the
/// blocks are Hurwitz (FSNN, eq. (3.21)). Else elimination without pivots: the symmetric part of I - c h T is
/// at least I where that of T is not positive, and then all pivots are at least 1. The bits of a lane do not
/// depend on the lanes beside it. Where a system is singular the lane is not finite.
template <class Real>
void solve_lanes(const ExecSpace& space, const LaneSystem<Real>& system, Transpose transpose,
                 InputMatrix<Real> r, MatrixView<Real> w, Scratch<Real>& scratch);

}  // namespace spnode::core

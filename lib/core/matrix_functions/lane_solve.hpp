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

/// Factors P M = L U of a matrix M of which every lane has its own, by elimination with the largest entry of
/// a column as pivot. F (n^2 + n, lanes): M, row major in each lane, becomes L without its unit diagonal and
/// U; the last n rows are overwritten with the rows that stand in for others, whole numbers. The bits of a
/// lane do not depend on the lanes beside it. Where M is singular, solutions of the lane are not finite.
template <class Real>
void factor_lanes(const ExecSpace& space, std::size_t n, MatrixView<Real> F);

/// w (n, lanes) = M^{-1} w or M^{-T} w, in place, with the F of factor_lanes().
template <class Real>
void solve_factored(const ExecSpace& space, InputMatrix<Real> F, Transpose transpose, MatrixView<Real> w);

}  // namespace spnode::core

#pragma once
/// A linear operator as the Taylor method sees it: products with the lanes of a tile.

#include "core/kernels/gemm.hpp"
#include "core/matrix_functions/structured_matrix.hpp"
#include "core/memory/types.hpp"

#include <cstddef>
#include <memory>

namespace spnode::core {

/// B = A - shift I with the coefficients of A. Nothing but update() allocates or communicates; a `work` is
/// (work_rows(), lanes), overwritten.
template <class Real>
class LaneOperator {
 public:
  virtual ~LaneOperator() = default;

  /// Temporary rows of one product.
  virtual std::size_t work_rows() const = 0;

  /// Takes the coefficients of A, on the host.
  virtual void update(std::span<const double> coefficients, double shift) = 0;

  /// Y = beta Y + alpha op(B) X; beta = 0 overwrites. X, Y: (n, lanes), not the same.
  virtual void apply(const ExecSpace& space, double alpha, Transpose transpose, InputMatrix<Real> X,
                     double beta, MatrixView<Real> Y, MatrixView<Real> work) const = 0;

  /// bar += the adjoint of the coefficients where Y = B X: sum over lanes of d <Y_bar, A X> / d coefficients.
  virtual void apply_vjp(const ExecSpace& space, InputMatrix<Real> X, InputMatrix<Real> Y_bar,
                         VectorView<Real> bar, MatrixView<Real> work) const = 0;

  /// Y += (dA) X for a tangent `dot` of the coefficients.
  virtual void apply_jvp(const ExecSpace& space, InputVector<Real> dot, InputMatrix<Real> X,
                         MatrixView<Real> Y, MatrixView<Real> work) const = 0;
};

/// The operator for matrices of a shape: dense or low_rank. Raises UsageError for others.
template <class Real>
std::unique_ptr<LaneOperator<Real>> make_lane_operator(const LinearShape& shape);

/// z (3 r, lanes) = J z or J^T z of low_rank (structured_matrix.hpp), in place.
template <class Real>
void turn(const ExecSpace& space, Transpose transpose, MatrixView<Real> z);

}  // namespace spnode::core

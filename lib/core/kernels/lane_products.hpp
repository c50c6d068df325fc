#pragma once
/// Products with matrices of which every lane has its own: M(l) (m, n) stands in the rows i n + j of a batch
/// (m n, lanes). Nothing here allocates; the bits of a lane do not depend on the lanes beside it.

#include "core/memory/types.hpp"

namespace spnode::core {

/// Y(:, l) += M(l) X(:, l). X (n, lanes), Y (m, lanes); not the same.
template <class Real>
void add_lane_product(const ExecSpace& space, InputMatrix<Real> M, InputMatrix<Real> X, MatrixView<Real> Y);

/// X(:, l) += M(l)^T Y(:, l). X (n, lanes), Y (m, lanes); not the same.
template <class Real>
void add_lane_product_transposed(const ExecSpace& space, InputMatrix<Real> M, InputMatrix<Real> Y,
                                 MatrixView<Real> X);

/// M(l) += Y(:, l) X(:, l)^T: the adjoint of M in Y = M X.
template <class Real>
void add_lane_outer(const ExecSpace& space, InputMatrix<Real> Y, InputMatrix<Real> X, MatrixView<Real> M);

/// Y(:, l) += w(l) X(:, l) with the weights w (1, lanes).
template <class Real>
void add_lanes_scaled(const ExecSpace& space, InputMatrix<Real> w, InputMatrix<Real> X, MatrixView<Real> Y);

/// sums (1, lanes) += the inner products of X(:, l) and Y(:, l).
template <class Real>
void add_lane_dots(const ExecSpace& space, InputMatrix<Real> X, InputMatrix<Real> Y, MatrixView<Real> sums);

/// Y(i, l) += sum over k of A(k n + i, l) B(k n + i, l): Y (n, lanes), A and B (r n, lanes).
template <class Real>
void add_block_products(const ExecSpace& space, InputMatrix<Real> A, InputMatrix<Real> B, MatrixView<Real> Y);

/// A(k n + i, l) += B(k n + i, l) Y(i, l): the adjoint of A there.
template <class Real>
void add_block_products_vjp(const ExecSpace& space, InputMatrix<Real> B, InputMatrix<Real> Y,
                            MatrixView<Real> A);

}  // namespace spnode::core

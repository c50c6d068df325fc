#pragma once
/// Entry-by-entry operations on batches (rows, lanes). Nothing here allocates.
///
/// Real, double or float, is deduced from the output where that is a view of kernels (core/memory/types.hpp);
/// factors are rounded to it.

#include "core/kernels/activation.hpp"
#include "core/memory/types.hpp"

namespace spnode::core {

/// Y = value.
template <class Real>
void fill(const ExecSpace& space, double value, MatrixView<Real> Y);

/// Y = alpha X.
template <class Real>
void scaled_copy(const ExecSpace& space, double alpha, InputMatrix<Real> X, MatrixView<Real> Y);

/// Y += alpha X.
template <class Real>
void axpy(const ExecSpace& space, double alpha, InputMatrix<Real> X, MatrixView<Real> Y);

/// Y += b with the vector b (rows) in every lane.
template <class Real>
void add_to_lanes(const ExecSpace& space, InputVector<Real> b, MatrixView<Real> Y);

/// Y = sigma(Y + b) with the bias b (rows) added to every lane. Where keeps_argument(sigma), `argument`
/// (shaped as Y) takes Y + b.
template <class Real>
void add_bias_and_activate(const ExecSpace& space, Activation sigma, InputVector<Real> b, MatrixView<Real> Y,
                           std::type_identity_t<MatrixView<Real>> argument = {});

/// Y_bar *= sigma'(x) where Y = sigma(x). kept: x where keeps_argument(sigma), else Y.
template <class Real>
void activate_vjp(const ExecSpace& space, Activation sigma, InputMatrix<Real> kept, MatrixView<Real> Y_bar);

/// X_bar += sigma''(x) X_dot Y_dot_bar: the way back from the tangent Y_dot = sigma'(x) X_dot to x.
template <class Real>
void activate_jvp_vjp(const ExecSpace& space, Activation sigma, InputMatrix<Real> kept,
                      InputMatrix<Real> X_dot, InputMatrix<Real> Y_dot_bar, MatrixView<Real> X_bar);

/// X_bar += sigma'''(x) A B C with the three factors, shaped as X_bar.
template <class Real>
void activate_third(const ExecSpace& space, Activation sigma, InputMatrix<Real> kept,
                    const Kokkos::Array<InputMatrix<Real>, 3>& factors, MatrixView<Real> X_bar);

/// sums += the sum of X over its lanes; sums (rows). The gradient of a bias.
template <class Real>
void add_row_sums(const ExecSpace& space, InputMatrix<Real> X, VectorView<Real> sums);

/// Y(i, :) *= factor(i).
template <class Real>
void scale_rows(const ExecSpace& space, InputVector<Real> factor, MatrixView<Real> Y);

/// Y(i, :) += factor(i) X(i, :).
template <class Real>
void add_scaled_rows(const ExecSpace& space, InputVector<Real> factor, InputMatrix<Real> X,
                     MatrixView<Real> Y);

/// sums(i) += sum over lanes of X(i, :) Y(i, :).
template <class Real>
void add_row_products(const ExecSpace& space, InputMatrix<Real> X, InputMatrix<Real> Y,
                      VectorView<Real> sums);

}  // namespace spnode::core

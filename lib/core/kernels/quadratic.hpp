#pragma once
/// Quadratic forms of batches, lanes contiguous.
///
/// The monomials of x (n) are the products x_j x_k, 0 <= j <= k < n, in the order (0,0), (0,1), ..., (1,1),
/// ...; there are n (n + 1) / 2 of them.

#include "core/kernels/lanes.hpp"
#include "core/memory/types.hpp"

namespace spnode::core {

constexpr std::size_t monomial_count(std::size_t n) { return n * (n + 1) / 2; }

/// The largest n that the functions below take.
inline constexpr std::size_t most_variables = 256;

/// Rows of Q and of its adjoint, one for each monomial, lie so far apart, for whole packs of outputs.
template <class Real>
constexpr std::size_t form_stride(std::size_t outputs) {
  return padded<Real>(outputs);
}

/// Y += Q^T m(X): Q (monomial_count(n), rows) with a row stride of form_stride<Real>(rows), X (n, lanes), Y
/// (rows, lanes), m(X) the monomials of each lane. They are formed block by block in cache. Allocates
/// nothing.
template <class Real>
void quadratic(const ExecSpace& space, InputMatrix<Real> Q, InputMatrix<Real> X, MatrixView<Real> Y);

/// The adjoint: X_bar += (d m / d X)^T Q Y_bar and, where Q_bar has rows, Q_bar += m(X) Y_bar^T, the sum
/// over lanes in ascending order. Allocates nothing.
template <class Real>
struct QuadraticReverse {
  ConstMatrixView<Real> Q, X, Y_bar;
  MatrixView<Real> X_bar, Q_bar;
};
template <class Real>
void quadratic_vjp(const ExecSpace& space, const QuadraticReverse<Real>& reverse);

/// The tangent: Y_dot += Q^T (d m / d X) X_dot.
template <class Real>
void quadratic_jvp(const ExecSpace& space, InputMatrix<Real> Q, InputMatrix<Real> X, InputMatrix<Real> X_dot,
                   MatrixView<Real> Y_dot);

}  // namespace spnode::core

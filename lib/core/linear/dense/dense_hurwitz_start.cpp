// The parameters of a given operator.
#include "core/linear/dense/dense_hurwitz.hpp"
#include "core/matrix_functions/decompositions.hpp"
#include "core/support/error.hpp"
#include "core/support/text.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

namespace spnode::core {

namespace {

using Square = std::vector<double>;

HostOperand view(const Square& X, std::size_t n) { return square(std::span<const double>(X), n); }

/// |H|, the absolute value of the symmetric part of A, and a little more: definite.
Square absolute_symmetric_part(std::span<const double> A, std::size_t n) {
  Square V(n * n), scaled(n * n), H(n * n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) V[i * n + j] = 0.5 * (A[i * n + j] + A[j * n + i]);
  const Square values = symmetric_eigen(square(std::span(V), n));  // rows of V: eigenvectors
  double largest = 0.0;
  for (const double value : values) largest = std::max(largest, std::abs(value));
  for (std::size_t k = 0; k < n; ++k)
    for (std::size_t j = 0; j < n; ++j)
      scaled[k * n + j] = (std::abs(values[k]) + 1e-14 * largest) * V[k * n + j];
  multiply(1.0, transposed(view(V, n)), view(scaled, n), 0.0, square(std::span(H), n));
  return H;
}

/// L = diag(exp(d)) (I + N), packed as DenseHurwitz stores it.
void pack(const Square& L, std::size_t n, std::span<double> packed) {
  for (std::size_t i = 0; i < n; ++i) {
    double* const row = packed.data() + i * (i + 1) / 2;
    for (std::size_t j = 0; j < i; ++j) row[j] = L[i * n + j] / L[i * n + i];
    row[i] = std::log(L[i * n + i]);
  }
}

}  // namespace

void DenseHurwitz::set_matrix(std::span<const double> A, std::span<double> theta) const {
  Square shifted(A.begin(), A.end());
  add_to_diagonal(square(std::span(shifted), n_), -options_.mu);
  const RealSchur schur = real_schur(view(shifted, n_));
  double rightmost = -std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < n_; ++i) rightmost = std::max(rightmost, schur.T[i * n_ + i]);
  if (!(rightmost < 0.0))
    throw NumericalError("A_L cannot start from a matrix with an eigenvalue " + shortest(rightmost) +
                         " to the right of mu = " + shortest(options_.mu));

  // A^T S + S A = -2 |H|: for a normal A the solution is the identity.
  Square twice = absolute_symmetric_part(shifted, n_);
  for (double& x : twice) x *= 2.0;
  Square L_S = solve_lyapunov(schur, twice);
  const bool S_definite = cholesky(square(std::span(L_S), n_));

  // G = A S^-1, that is, S G^T = A^T.
  Square G_transposed(n_ * n_), minus_G_s(n_ * n_);
  for (std::size_t i = 0; i < n_; ++i)
    for (std::size_t j = 0; j < n_; ++j) G_transposed[j * n_ + i] = shifted[i * n_ + j];
  if (S_definite) cholesky_solve(view(L_S, n_), square(std::span(G_transposed), n_));
  for (std::size_t i = 0; i < n_; ++i)
    for (std::size_t j = 0; j < n_; ++j)
      minus_G_s[i * n_ + j] = -0.5 * (G_transposed[i * n_ + j] + G_transposed[j * n_ + i]);
  if (!S_definite || !cholesky(square(std::span(minus_G_s), n_)))
    throw NumericalError("A_L cannot start from a matrix that is Hurwitz to rounding only");

  pack(L_S, n_, block_of(theta, L_S_));
  pack(minus_G_s, n_, block_of(theta, L_G_));
  const auto K = block_of(theta, K_);
  for (std::size_t i = 1; i < n_; ++i)
    for (std::size_t j = 0; j < i; ++j)
      K[i * (i - 1) / 2 + j] = 0.5 * (G_transposed[j * n_ + i] - G_transposed[i * n_ + j]);
}

}  // namespace spnode::core

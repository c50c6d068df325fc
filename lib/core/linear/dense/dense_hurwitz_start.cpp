// The parameters of a given operator.
#include "core/linear/dense/dense_hurwitz.hpp"
#include "core/matrix_functions/decompositions.hpp"
#include "core/support/error.hpp"
#include "core/support/text.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

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

[[noreturn]] void throw_rounding() {
  throw NumericalError("A_L cannot start from a matrix that is Hurwitz to rounding only");
}

}  // namespace

// S from A^T S + S A = -2 |H|, for a normal A the identity, and G = A S^-1; A of order n has its bound at 0.
DenseHurwitz::Parts DenseHurwitz::parts_of(Square A, std::size_t n) const {
  const RealSchur schur = real_schur(view(A, n));
  double rightmost = -std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < n; ++i) rightmost = std::max(rightmost, schur.T[i * n + i]);
  if (!(rightmost < 0.0))
    throw NumericalError("A_L cannot start from a matrix with an eigenvalue " + shortest(rightmost) +
                         " to the right of mu = " + shortest(options_.mu));
  Square twice = absolute_symmetric_part(A, n);
  for (double& x : twice) x *= 2.0;
  Parts parts{solve_lyapunov(schur, twice), Square(n * n)};
  Square L = parts.S;
  if (!cholesky(square(std::span(L), n))) throw_rounding();
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) parts.G_transposed[j * n + i] = A[i * n + j];
  cholesky_solve(view(L, n), square(std::span(parts.G_transposed), n));  // S G^T = A^T
  return parts;
}

// In a basis of the invariants' space, then of the one that P keeps, P A is [[0, 0], [B, C]]. S and G of C
// are blocks of S and G: those beside them follow from B = G_C S_B, and the rest is free but for its sign.
DenseHurwitz::Parts DenseHurwitz::parts_with_invariants(std::span<const double> A,
                                                        std::span<const double> theta) const {
  const Invariants::Basis basis = invariants_->basis(theta);
  const std::size_t k = basis.kept, n = n_ - k;
  const HostOperand E = view(basis.vectors, n_);
  const auto turned = [&](HostOperand left, const Square& X, HostOperand right) {
    Square half(n_ * n_), whole(n_ * n_);
    multiply(1.0, left, view(X, n_), 0.0, square(std::span(half), n_));
    multiply(1.0, view(half, n_), right, 0.0, square(std::span(whole), n_));
    return whole;
  };
  const Square inside = turned(E, Square(A.begin(), A.end()), transposed(E));
  Square C(n * n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) C[i * n + j] = inside[(k + i) * n_ + k + j];
  add_to_diagonal(square(std::span(C), n), -options_.mu);
  const Parts of_C = parts_of(C, n);

  Square G_C(n * n), S(n_ * n_, 0.0), G(n_ * n_, 0.0), S_B(n * k);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) G_C[i * n + j] = of_C.G_transposed[j * n + i];
  std::vector<int> pivots(n);
  Square inverse = G_C, work(64 * n), B(n * k);
  invert(square(std::span(inverse), n), pivots, work, "G of the start of A_L");
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < k; ++j) B[i * k + j] = inside[(k + i) * n_ + j];
  multiply(1.0, view(inverse, n), HostOperand(B.data(), n, k), 0.0, {S_B.data(), n, k});

  // S of the invariants: S_B^T S_C^-1 S_B and a part of the size of S_C, so that S is definite.
  Square L = of_C.S, solved = S_B;
  if (!cholesky(square(std::span(L), n))) throw_rounding();
  cholesky_solve(view(L, n), {solved.data(), n, k});
  Square S_Q(k * k);
  multiply(1.0, transposed(HostOperand(S_B.data(), n, k)), HostOperand(solved.data(), n, k), 0.0,
           {S_Q.data(), k, k});
  const double size_S = trace(view(of_C.S, n)) / double(n), size_G = -trace(view(G_C, n)) / double(n);
  for (std::size_t i = 0; i < k; ++i) {
    for (std::size_t j = 0; j < k; ++j) S[i * n_ + j] = 0.5 * (S_Q[i * k + j] + S_Q[j * k + i]);
    S[i * n_ + i] += size_S;
    G[i * n_ + i] = -size_G;
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < k; ++j) S[(k + i) * n_ + j] = S[j * n_ + k + i] = S_B[i * k + j];
    for (std::size_t j = 0; j < n; ++j) {
      S[(k + i) * n_ + k + j] = of_C.S[i * n + j];
      G[(k + i) * n_ + k + j] = G_C[i * n + j];
    }
  }
  Square G_transposed(n_ * n_);
  const Square G_turned = turned(transposed(E), G, E);
  for (std::size_t i = 0; i < n_; ++i)
    for (std::size_t j = 0; j < n_; ++j) G_transposed[j * n_ + i] = G_turned[i * n_ + j];
  return {turned(transposed(E), S, E), std::move(G_transposed)};
}

void DenseHurwitz::set_matrix(std::span<const double> A, std::span<double> theta) const {
  const auto parts_without = [&] {
    Square shifted(A.begin(), A.end());
    add_to_diagonal(square(std::span(shifted), n_), -options_.mu);
    return parts_of(std::move(shifted), n_);
  };
  const Parts parts = invariants_ ? parts_with_invariants(A, theta) : parts_without();
  Square L_S = parts.S, minus_G_s(n_ * n_);
  for (std::size_t i = 0; i < n_; ++i)
    for (std::size_t j = 0; j < n_; ++j)
      minus_G_s[i * n_ + j] = -0.5 * (parts.G_transposed[i * n_ + j] + parts.G_transposed[j * n_ + i]);
  if (!cholesky(square(std::span(L_S), n_)) || !cholesky(square(std::span(minus_G_s), n_))) throw_rounding();

  pack(L_S, n_, block_of(theta, L_S_));
  pack(minus_G_s, n_, block_of(theta, L_G_));
  const auto K = block_of(theta, K_);
  for (std::size_t i = 1; i < n_; ++i)
    for (std::size_t j = 0; j < i; ++j)
      K[i * (i - 1) / 2 + j] = 0.5 * (parts.G_transposed[j * n_ + i] - parts.G_transposed[i * n_ + j]);
}

}  // namespace spnode::core

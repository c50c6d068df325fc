#pragma once
/// Bi-Lipschitz affine layers (FSNN, Definition 3.3), on the host.

#include "core/components/component.hpp"

#include <vector>

namespace spnode::core {

/// M = U diag(sigma) V^T (rows, columns) with orthonormal columns of U and V and
/// sigma_i = L^tanh(s_i) in [1/L, L], i < r = min(rows, columns) (FSNN, eqs. (3.2), (3.3)). U and V are
/// exponentials of skew matrices where M is square, else products of Householder reflections
/// (core/matrix_functions/householder.hpp).
///
/// Blocks: U, V (entries of the skew matrices below their diagonals, row by row, or of the reflectors below
/// their ones) and s (r).
class BilipschitzMatrix final {
 public:
  /// M, or its pseudo-inverse V diag(1/sigma) U^T (eq. (3.4)).
  enum class Direction { forward, inverse };

  BilipschitzMatrix(std::size_t rows, std::size_t columns, double bound, std::string name);

  void declare(ParameterLayout& layout);
  /// U = V, turned by skew matrices of this size, and sigma = 1. Needs a square M.
  void initialise_as_identity(std::uint64_t seed, double scale, std::span<double> theta) const;
  /// Independent U and V, and singular values of this size, as far as the bound allows.
  void initialise_at_random(std::uint64_t seed, double singular_value, std::span<double> theta) const;

  /// M (rows, columns), or its pseudo-inverse (columns, rows), row major.
  void assemble(Direction direction, std::span<const double> theta, std::span<double> M) const;
  void assemble_vjp(Direction direction, std::span<const double> theta, std::span<const double> M_bar,
                    std::span<double> theta_bar) const;
  void assemble_jvp(Direction direction, std::span<const double> theta, std::span<const double> theta_dot,
                    std::span<double> M_dot) const;

  /// The largest singular value of what `assemble` gives.
  double lipschitz(Direction direction, std::span<const double> theta) const;

 private:
  class Factor;
  bool is_square() const { return rows_ == columns_; }
  std::size_t rank() const { return std::min(rows_, columns_); }
  double exponent(Direction direction) const {
    return direction == Direction::forward ? log_bound_ : -log_bound_;
  }
  Factor left(Direction direction, std::span<const double> theta) const;
  Factor right(Direction direction, std::span<const double> theta) const;
  std::vector<double> singular_values(Direction direction, std::span<const double> theta) const;

  std::size_t rows_, columns_;
  double log_bound_;
  std::string name_;
  ParameterBlock U_, V_, s_;
};

/// x -> M x + b with such a matrix of order n. Its inverse x -> M^-1 (x - b) costs the same. Both are
/// L-Lipschitz for all parameters.
///
/// Starts at the identity. Blocks: those of M and b (n).
class BilipschitzLayer final {
 public:
  using Direction = BilipschitzMatrix::Direction;

  BilipschitzLayer(std::size_t n, double bound, std::string name);

  void declare(ParameterLayout& layout);
  void initialise(std::uint64_t seed, double scale, std::span<double> theta) const;

  /// Of y = M x + c in one direction: M (n, n) row major, then c (n).
  std::size_t coefficient_count() const { return n_ * n_ + n_; }
  void assemble(Direction direction, std::span<const double> theta, std::span<double> coefficients) const;
  void assemble_vjp(Direction direction, std::span<const double> theta, std::span<const double> bar,
                    std::span<double> theta_bar) const;
  void assemble_jvp(Direction direction, std::span<const double> theta, std::span<const double> theta_dot,
                    std::span<double> dot) const;

  /// The largest singular value of the matrix in one direction.
  double lipschitz(Direction direction, std::span<const double> theta) const {
    return matrix_.lipschitz(direction, theta);
  }

 private:
  std::size_t n_;
  BilipschitzMatrix matrix_;
  ParameterBlock b_;
};

}  // namespace spnode::core

#pragma once
/// Bi-Lipschitz affine layers (FSNN, Definition 3.3), on the host.

#include "core/components/component.hpp"

#include <vector>

namespace spnode::core {

/// x -> M x + b with M = U diag(sigma) V^T of order n: U and V are exponentials of skew matrices, and
/// sigma_i = L^tanh(s_i) is in [1/L, L] (FSNN, eqs. (3.2), (3.3)). Its inverse x -> V diag(1/sigma) U^T (x -
/// b) (eq. (3.4)) costs the same. Both are L-Lipschitz for all parameters.
///
/// Starts at the identity: U = V, sigma = 1, b = 0. Blocks: the entries of the skew matrices below their
/// diagonals, row by row, s (n) and b (n).
class BilipschitzLayer final {
 public:
  enum class Direction { forward, inverse };

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

  /// The largest singular value of M in one direction.
  double lipschitz(Direction direction, std::span<const double> theta) const;

 private:
  std::size_t skew_count() const { return n_ * (n_ - 1) / 2; }
  std::vector<double> singular_values(Direction direction, std::span<const double> theta) const;

  std::size_t n_;
  double log_bound_;
  std::string name_;
  ParameterBlock U_, V_, s_, b_;
};

}  // namespace spnode::core

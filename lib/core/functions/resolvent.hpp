#pragma once
/// The resolvent (I - step A)^-1 of a dense matrix, which implicit stages apply, with adjoint and tangent.

#include <cstddef>
#include <span>
#include <vector>

namespace spnode::core {

/// R = (I - step A)^-1, explicit, by LU. step = c h has units of time and may be negative.
///
/// All matrices are n x n, row major, on the host. All memory is allocated by the constructor. Not
/// collective. Use: compute(A, step); read value(). Adjoint: clear_bar(); add to bar(); vjp(A_bar).
class Resolvent {
 public:
  explicit Resolvent(std::size_t n);

  /// Raises NumericalError where I - step A is singular or its inverse is not finite.
  void compute(std::span<const double> a, double step);
  std::span<const double> value() const { return value_; }

  /// The adjoint of value(): the caller adds to it. Untouched by compute() and vjp().
  std::span<double> bar() { return bar_; }
  void clear_bar();

  /// a_bar += step R^T bar R^T.
  void vjp(std::span<double> a_bar);

  /// tangent() = step R a_dot R.
  void jvp(std::span<const double> a_dot);
  std::span<const double> tangent() const { return tangent_; }

 private:
  std::size_t n_;
  double step_ = 0.0;
  std::vector<double> value_, bar_, tangent_, scratch_, work_;
  std::vector<int> pivots_;
};

}  // namespace spnode::core

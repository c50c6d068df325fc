#pragma once
/// The shifted inverse (I - step A)^-1 of a dense matrix, which implicit stages apply; adjoint and tangent.

#include "core/matrix_functions/double_double.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace spnode::core {

/// R = (I - step A)^-1, explicit, by LU. step = c h has units of time and may be negative.
///
/// LU in double errs by about eps times the condition number ||M||_1 ||R||_1 of M = I - step A. Where that
/// number exceeds `condition_limit`, R is refined in twice the precision of double, R += R (I - M R)
/// (Newton's iteration: Schulz, Z. Angew. Math. Mech. 13, 1933), and is then the inverse for A and step as
/// given, rounded to double.
///
/// All matrices are n x n, row major, on the host. All memory is allocated by the constructor. Not
/// collective. Use: compute(A, step); read value(). Adjoint: clear_bar(); add to bar(); vjp(A_bar).
class Resolvent {
 public:
  /// Above this condition number the inverse is refined; at it, LU errs by less than 1e-13.
  static constexpr double condition_limit = 1024.0;

  explicit Resolvent(std::size_t n);

  /// Raises NumericalError where I - step A is singular, to the precision of double, or its inverse is not
  /// finite.
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
  void refine(std::span<const double> a);

  std::size_t n_;
  double step_ = 0.0;
  std::vector<double> value_, bar_, tangent_, scratch_, work_;
  std::vector<int> pivots_;
  std::vector<DoubleDouble> wide_matrix_, wide_value_, wide_residual_, wide_correction_;
};

}  // namespace spnode::core

#pragma once
/// The phi functions of a dense matrix, and their exact discrete adjoint and tangent.
///
/// phi_0(z) = e^z, phi_k(z) = sum_j z^j / (j + k)!, so that phi_{k-1}(z) = z phi_k(z) + 1 / (k - 1)!
/// (SPNODE-25, section 4). All matrices here are n x n, row major, on the host. Not collective.

#include "core/matrix_functions/phi_squaring.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace spnode::core {

/// phi_0 .. phi_p of Z = h A by scaling and squaring (PhiSquaring), in double or in twice its precision.
///
/// In double the relative errors of values and derivatives are at most about eps times the amplification
///     ||Z||_1  max_l ||phi_0(z_l)||^2 / ||phi_0(2 z_l)||,   z_l = 2^l Z / 2^s,
/// which is what rounding A itself does to a full matrix: the norm for matrices near normal, more where phi_0
/// rises before it decays. Where that exceeds `amplification_limit` everything, the derivatives included, is
/// computed again in DoubleDouble, whose eps is 1e-31: up to norms of 1e12 and beyond the values and
/// derivatives are then those of the matrix as given (its entries and h taken as exact), rounded to double.
/// Both together hold 1e-13 relative to the norm of the result, and for phi_k to that of each row where rows
/// decay on their own (measured: docs/mathematics.md). Twice the precision takes 3 (n = 3) to 10 times
/// (n = 20) as long.
///
/// Norms up to 2^64 are accepted; NumericalError above. Entries of A that are not finite give values that are
/// not finite. Memory is kept between calls: compute() allocates when the number of squarings grows beyond
/// all earlier values and when the limit is exceeded for the first time; vjp() and jvp() never do.
///
/// Use: compute(A, h); read value(k, argument). Adjoint: clear_bars(); add to bar(k, argument); vjp(A_bar).
///
/// For a nonlinear part in relaxation form, g = -A r, the product with A needs no phi function of higher
/// index:
///     h phi_k(c Z) (-A) = Psi_k(c) = (I / (k - 1)! - phi_{k-1}(c Z)) / c,   k >= 1,
/// which is linear in phi_{k-1}: the caller forms it and adds -Psi_k_bar / c to bar(k - 1, argument).
class PhiFunctions {
 public:
  /// Above it all is computed in twice the precision of double; at it, double errs by about 1e-13.
  static constexpr double amplification_limit = 2048.0;

  /// n: order of the matrix, at least 1; max_index: p in 0 .. 3. Raises UsageError outside.
  PhiFunctions(std::size_t n, std::size_t max_index, HalfArgument halves);

  /// Evaluates all functions at step * a (step of either sign, in units of time). a: (n, n).
  void compute(std::span<const double> a, double step);

  /// phi_index at the argument, (n, n); valid until the next compute().
  std::span<const double> value(std::size_t index, Argument argument) const;

  /// The adjoint of value(index, argument), (n, n): the caller adds to it. Untouched by compute() and vjp().
  std::span<double> bar(std::size_t index, Argument argument);
  void clear_bars();

  /// a_bar += the adjoint of the last compute() with respect to a, for the bars as they are. a_bar: (n, n).
  void vjp(std::span<double> a_bar);

  /// The tangent of the last compute() in the direction a_dot (n, n); read it with tangent().
  void jvp(std::span<const double> a_dot);
  std::span<const double> tangent(std::size_t index, Argument argument) const;

  std::size_t order() const { return n_; }
  std::size_t max_index() const { return max_index_; }
  std::size_t squarings() const {  ///< s of the last compute()
    return is_wide_ ? wide_->squarings() : narrow_.squarings();
  }
  bool is_wide() const { return is_wide_; }  ///< the last compute() took twice the precision of double

 private:
  std::size_t offset(std::size_t index, Argument argument) const;
  template <class Action>
  void for_each_function(Action&& action);
  template <class Action>
  void with_squaring(Action&& action) {
    if (is_wide_)
      action(*wide_);
    else
      action(narrow_);
  }

  std::size_t n_, max_index_;
  HalfArgument halves_;
  bool is_wide_ = false;
  PhiSquaring<double> narrow_;
  std::optional<PhiSquaring<DoubleDouble>> wide_;  ///< from the first time it is needed on
  std::vector<double> values_, bars_, tangents_;   ///< full 0 .. p, half 0 .. p
};

}  // namespace spnode::core

#pragma once
/// The phi functions of a dense matrix, and their exact discrete adjoint and tangent.
///
/// phi_0(z) = e^z, phi_k(z) = sum_j z^j / (j + k)!, so that phi_{k-1}(z) = z phi_k(z) + 1 / (k - 1)!
/// (SPNODE-25, section 4). All matrices here are n x n, row major, on the host. Not collective.

#include "core/functions/matrix_polynomial.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace spnode::core {

/// Where the functions are evaluated: at Z = h A, or at Z / 2.
enum class Argument { full, half };

/// Whether the values at Z / 2 are wanted too (then at least one squaring is done; they cost nothing more).
enum class HalfArgument { omit, include };

/// phi_0 .. phi_p of h A by scaling and squaring.
///
/// Z / 2^s has 1-norm at most 0.9; there phi_q, q = max(p, 1), is its Taylor polynomial of degree 16
/// (Paterson-Stockmeyer; truncation error below 3e-17), the lower ones follow from the recurrence above, and
/// then
///     phi_k(2 z) = 2^-k [ (phi_0(z) + 1) phi_k(z) + sum_{j=1}^{k-1} phi_j(z) / (k - j)! ],   k >= 1.
/// phi_0 is carried as X = phi_0 - I, X(2z) = X(z)^2 + 2 X(z), until the 1-norm of phi_0 has fallen below 1/2
/// and as itself from there on: X keeps the slow rates of a graded matrix to full relative accuracy, which
/// squaring I + X would lose (an error of eps 2^s); phi_0 keeps the relative accuracy of what has decayed.
/// For a full matrix the error grows like eps ||Z||, as does the effect of rounding A itself.
///
/// Norms up to 2^64 are accepted; NumericalError above. Entries of A that are not finite give values that are
/// not finite. Memory: (s + 1) (q + 1) + O(1) matrices, kept between calls, so that compute() allocates only
/// when s grows beyond all earlier values; vjp() and jvp() never do.
///
/// Use: compute(A, h); read value(k, argument). Adjoint: clear_bars(); add to bar(k, argument); vjp(A_bar).
///
/// For a nonlinear part in relaxation form, g = -A r, the product with A needs no phi function of higher
/// index:
///     h phi_k(c Z) (-A) = Psi_k(c) = (I / (k - 1)! - phi_{k-1}(c Z)) / c,   k >= 1,
/// which is linear in phi_{k-1}: the caller forms it and adds -Psi_k_bar / c to bar(k - 1, argument).
class PhiFunctions {
 public:
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
  std::size_t squarings() const { return squarings_; }  ///< s of the last compute()

 private:
  /// One level of the squaring phase: slot 0 holds phi_0 - I (shift 2) or phi_0 (shift 1), slot k phi_k.
  struct Level {
    std::vector<double> entries;
    double shift = 2.0;
  };
  using Slots = std::vector<double>;

  std::span<double> slot(Slots& slots, std::size_t k) const {
    return std::span(slots).subspan(k * n_ * n_, n_ * n_);
  }
  std::span<const double> slot(const Slots& slots, std::size_t k) const {
    return std::span(slots).subspan(k * n_ * n_, n_ * n_);
  }
  std::size_t bar_slot(std::size_t index, Argument argument) const;
  std::size_t level_of(Argument argument) const;

  void choose_squarings(double norm);
  void start_levels();
  void square_level(const Level& from, Level& to);
  void settle_form(Level& level);
  void square_level_vjp(const Level& from, const Slots& to_bar, Slots& from_bar);
  void start_levels_vjp(std::span<double> a_bar);
  void square_level_jvp(const Level& from, const Slots& from_dot, Slots& to_dot);
  void start_levels_jvp(std::span<const double> a_dot);

  std::size_t n_, max_index_, top_index_;
  HalfArgument halves_;
  double step_ = 0.0;
  std::size_t squarings_ = 0;
  MatrixPolynomial taylor_;     ///< phi_q at Z / 2^s
  std::vector<Level> levels_;   ///< 0 .. s
  Slots exponential_[2];        ///< phi_0 at full, half
  Slots bars_, level_bars_[2];  ///< adjoints of the values; of two neighbouring levels
  Slots level_dots_[2];         ///< tangents of two neighbouring levels
  std::vector<double> scratch_;
};

}  // namespace spnode::core

#pragma once
/// Scaling and squaring of the phi functions in one precision, with adjoint and tangent: what PhiFunctions
/// runs.

#include "core/matrix_functions/double_double.hpp"
#include "core/matrix_functions/matrix_polynomial.hpp"

#include <cstddef>
#include <span>
#include <type_traits>
#include <vector>

namespace spnode::core {

/// Where the functions are evaluated: at Z = h A, or at Z / 2.
enum class Argument { full, half };

/// Whether the values at Z / 2 are wanted too (then at least one squaring is done; they cost nothing more).
enum class HalfArgument { omit, include };

/// phi_0 .. phi_p of Z = h A by scaling and squaring, computed in Scalar: double or DoubleDouble.
///
/// Z / 2^s has 1-norm at most `scaled_norm`; there phi_q, q = max(p, 1), is its Taylor polynomial of degree
/// 16 (Paterson-Stockmeyer; truncation error below 3e-17 in double, 1e-31 in DoubleDouble), the lower ones
/// follow from phi_{k-1}(z) = z phi_k(z) + 1 / (k - 1)!, and then
///     phi_k(2 z) = 2^-k [ (phi_0(z) + 1) phi_k(z) + sum_{j=1}^{k-1} phi_j(z) / (k - j)! ],   k >= 1.
///
/// phi_0 is carried as G = phi_0 - D, D diagonal with entries 1 and 0, so that phi_0(2 z) = phi_0(z)^2 reads
/// G(2z) = G^2 + G D + D G. In double D begins as I, and its entry of a row goes to 0 once the sum of
/// absolute values of that row of phi_0 has fallen below 1/2: phi_0 - I keeps the slow modes of a graded
/// matrix to full relative accuracy, which squaring phi_0 would lose (an error of eps 2^s), while phi_0
/// itself keeps the relative accuracy of rows that have decayed. In DoubleDouble eps 2^s is harmless and D is
/// 0.
///
/// Memory: (s + 1) (q + 1) + O(1) matrices of Scalar. All matrices are n x n, row major, on the host. Not
/// collective.
template <class Scalar>
class PhiSquaring {
 public:
  static constexpr bool is_wide = std::is_same_v<Scalar, DoubleDouble>;
  /// Taylor's remainder of phi_1, scaled_norm^17 / 18!, is 3e-17 and 7e-32
  static constexpr double scaled_norm = is_wide ? 0.125 : 0.9;

  /// n: at least 1; max_index: p in 0 .. 3.
  PhiSquaring(std::size_t n, std::size_t max_index, HalfArgument halves);

  /// Evaluates all functions at step * a, whose 1-norm is `norm`. Allocates where s exceeds all earlier ones.
  void compute(std::span<const double> a, double step, double norm);

  /// phi_index at the argument, rounded to double. out: (n, n).
  void value(std::size_t index, Argument argument, std::span<double> out) const;

  /// phi_index at Z / 2^halvings, halvings <= squarings(), less `shift` times the identity, rounded to double
  /// at the end. out: (n, n).
  void value_below(std::size_t halvings, std::size_t index, double shift, std::span<double> out) const;

  /// a_bar += the adjoint of the last compute(). bars: for each argument one after the other, p + 1 matrices.
  void vjp(std::span<const double> bars, std::span<double> a_bar);

  /// The tangent of the last compute() in the direction a_dot, to be read with tangent().
  void jvp(std::span<const double> a_dot);
  void tangent(std::size_t index, Argument argument, std::span<double> out) const;

  std::size_t squarings() const { return squarings_; }

  /// Largest ||phi_0(z)||^2 / ||phi_0(2 z)|| of the squarings of the last compute(), in the row sum norm and
  /// where the norms are above 1e-100; at least 1, and 1 in DoubleDouble. Times eps and the norm of Z it
  /// foretells the relative error of phi_0.
  double growth() const { return growth_; }

 private:
  /// One level of the squaring phase: slot 0 holds G = phi_0 - D, slot k phi_k.
  struct Level {
    std::vector<Scalar> entries;
    std::vector<double> unit;  ///< the diagonal of D, (n)
  };
  using Slots = std::vector<Scalar>;

  std::span<Scalar> slot(Slots& slots, std::size_t k) const {
    return std::span(slots).subspan(k * n_ * n_, n_ * n_);
  }
  std::span<const Scalar> slot(const Slots& slots, std::size_t k) const {
    return std::span(slots).subspan(k * n_ * n_, n_ * n_);
  }
  std::size_t level_of(Argument argument) const {
    return argument == Argument::full ? squarings_ : squarings_ - 1;
  }

  void choose_squarings(double norm);
  double start_levels();
  double square_level(const Level& from, Level& to);
  double settle_rows(Level& level);
  void square_level_vjp(const Level& from, const Slots& to_bar, Slots& from_bar);
  void start_levels_vjp(std::span<double> a_bar);
  void square_level_jvp(const Level& from, const Slots& from_dot, Slots& to_dot);
  void start_levels_jvp(std::span<const double> a_dot);

  std::size_t n_, max_index_, top_index_;
  HalfArgument halves_;
  double step_ = 0.0, growth_ = 1.0;
  std::size_t squarings_ = 0;
  MatrixPolynomial<Scalar> taylor_;  ///< phi_q at Z / 2^s
  std::vector<Level> levels_;        ///< 0 .. s
  Slots level_bars_[2];              ///< adjoints of two neighbouring levels
  Slots level_dots_[2];              ///< tangents of two neighbouring levels
  Slots scratch_;
};

extern template class PhiSquaring<double>;
extern template class PhiSquaring<DoubleDouble>;

}  // namespace spnode::core

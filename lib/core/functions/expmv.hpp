#pragma once
/// Matrix-free action of the phi functions on the lanes of a tile, by truncated Taylor series with scaling
/// (Al-Mohy, Higham, SIAM J. Sci. Comput. 33, 2011; SPNODE-25, eqs. (15)-(19)). Not collective.

#include "core/functions/taylor_degree.hpp"
#include "core/types.hpp"

#include <array>
#include <cstddef>
#include <span>
#include <vector>

namespace spnode::core {

/// The combinations of phi functions with at most this many terms beside phi_0.
inline constexpr std::size_t most_phi_terms = 3;

/// What depends on the matrix alone, chosen once per parameter update: the shifted matrix, the degree m and the
/// number s of scaling steps. Calls that follow estimate no norms.
class ExpmvPlan {
 public:
  /// n: order of A; max_terms: largest number of w terms, 0 .. 3. Raises UsageError outside.
  ExpmvPlan(std::size_t n, std::size_t max_terms);

  /// Takes A (n, n), row major, on the host; it serves all steps with |c h| <= max_step.
  /// Raises NumericalError where A is not finite or s would exceed 10^6 (the dense method is the one to use then).
  void update(const ExecSpace& space, std::span<const double> a, double max_step);

  std::size_t order() const { return n_; }
  std::size_t max_terms() const { return max_terms_; }
  double max_step() const { return max_step_; }
  double shift() const { return shift_; }              ///< mu; matrix() = A - mu I
  const TaylorDegree& degree() const { return degree_; }
  ConstMatrixView matrix() const { return matrix_; }

 private:
  std::size_t n_, max_terms_;
  double max_step_ = 0.0, shift_ = 0.0;
  TaylorDegree degree_;
  Matrix matrix_;
  std::vector<double> host_, work_;
  std::vector<int> sign_;
};

/// out(:, l) = phi_0(c h_l A) u(:, l) + h_l sum_{k=1}^{terms} phi_k(c h_l A) w_k(:, l).
struct ExpmvCall {
  double c = 1.0;          ///< not zero
  ConstVectorView steps;   ///< h (lanes), either sign, |c h_l| <= plan.max_step(); zero gives out = u
  ConstMatrixView u;       ///< (n, lanes)
  std::array<ConstMatrixView, most_phi_terms> w = {};  ///< w[k - 1] is w_k (n, lanes); the first `terms` are read
  std::size_t terms = 0;
};

/// Tangents or adjoints of the operands of an ExpmvCall, shaped like them.
struct ExpmvTangent {
  ConstMatrixView u;                                   ///< (n, lanes)
  std::array<ConstMatrixView, most_phi_terms> w = {};  ///< (n, lanes), the first `terms`
  ConstMatrixView a;                                   ///< (n, n); an empty view means zero
};
struct ExpmvAdjoint {
  MatrixView u;                                   ///< (n, lanes), added to
  std::array<MatrixView, most_phi_terms> w = {};  ///< (n, lanes), added to
  MatrixView a;                                   ///< (n, n), added to; an empty view skips it
};

/// The method and its work arrays, for tiles of at most max_lanes lanes. One object serves any number of plans of
/// the same order, one call at a time.
///
/// Per lane, x' = c h A x + h sum_k w_k theta^{k-1} / (k-1)! is advanced over theta in [0, 1] in s steps of a Taylor
/// series of degree at most m, the form that the augmented matrix (15)-(17) takes when it is not assembled:
/// the y block is known in closed form. A is shifted by mu, as the augmented matrix would be. A series ends
/// early when two consecutive terms are below eps times the sum in every lane (infinity norm).
///
/// Adjoint and tangent are those of the recurrences as computed, with m, s, mu and the early ends frozen; mu
/// cancels in exact arithmetic, so its derivative, which is left out, is of the order of rounding.
class Expmv {
 public:
  Expmv(std::size_t n, std::size_t max_terms, std::size_t max_lanes);

  /// Grows the work arrays of vjp() (states at the start of the s steps, and m terms) to what the plan needs.
  /// Allocates; call it after ExpmvPlan::update(), outside the hot loop. apply() needs no call.
  void reserve(const ExpmvPlan& plan);

  /// out (n, lanes) is overwritten; it must not alias u or w. Allocates nothing.
  void apply(const ExecSpace& space, const ExpmvPlan& plan, const ExpmvCall& call, MatrixView out);

  /// Adds the adjoint of apply() for out_bar (n, lanes) to `bars`. Needs the same call as apply() had; the
  /// states are recomputed from it. Allocates nothing after reserve().
  void vjp(const ExecSpace& space, const ExpmvPlan& plan, const ExpmvCall& call, ConstMatrixView out_bar,
           const ExpmvAdjoint& bars);

  /// out_dot (n, lanes) = the tangent of apply(). Allocates nothing after reserve().
  void jvp(const ExecSpace& space, const ExpmvPlan& plan, const ExpmvCall& call, const ExpmvTangent& dots,
           MatrixView out_dot);

  /// Products A B done since construction, each 2 n^2 lanes operations; for measurements.
  std::size_t products() const { return products_; }

 private:
  struct Step;

  std::size_t n_, max_terms_, max_lanes_;
  std::size_t products_ = 0;
};

}  // namespace spnode::core

#pragma once
/// Matrix-free action of the phi functions on the lanes of a tile, by truncated Taylor series with scaling
/// (Al-Mohy, Higham, SIAM J. Sci. Comput. 33, 2011; SPNODE-25, eqs. (15)-(19)). Not collective.

#include "core/functions/expmv_plan.hpp"
#include "core/types.hpp"

#include <array>
#include <cstddef>

namespace spnode::core {

/// out(:, l) = phi_0(c h_l A) u(:, l) + h_l sum_{k=1}^{terms} phi_k(c h_l A) w_k(:, l).
struct ExpmvCall {
  double c = 1.0;         ///< not zero
  ConstVectorView steps;  ///< h (lanes), either sign, |c h_l| <= plan.max_step(); zero gives out = u
  ConstMatrixView u;      ///< (n, lanes)
  std::array<ConstMatrixView, most_phi_terms> w =
      {};  ///< w[k - 1] is w_k (n, lanes); the first `terms` are read
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

namespace expmv {
struct Series;
}

/// The method and its work arrays, for tiles of at most max_lanes lanes. One object serves any number of
/// plans of the same order, one call at a time.
///
/// Per lane, x' = c h A x + h sum_k w_k theta^{k-1} / (k-1)! is advanced over theta in [0, 1] in s steps of a
/// Taylor series of degree at most m, the form that the augmented matrix (15)-(17) takes when it is not
/// assembled: the y block is known in closed form. A is shifted by mu, as the augmented matrix would be. A
/// series ends early when two consecutive terms are below 2^-53 times the sum in every lane (infinity norm),
/// so idle lanes of a padded tile should hold zeros.
///
/// Rounding: the terms of a series of scaled norm theta reach e^theta, theta <= 9.9, so that a sum that
/// decays within one scaling step loses some digits: relative errors of 1e-13 were seen at a norm of 30. The
/// dense method has no such loss.
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
  /// Whether the terms of a series are kept, term k in slot k of terms_, or overwrite each other in slot 0.
  enum class Terms { overwrite, keep };

  MatrixView slot(const Vector& storage, std::size_t index, std::size_t lanes) const;
  void check(const ExpmvPlan& plan, const ExpmvCall& call) const;
  void check_reserved(const ExpmvPlan& plan) const;

  expmv::Series series(const ExpmvPlan& plan, const ExpmvCall& call) const;

  /// State after scaling step i, from the state before it; returns the number of terms the series took.
  std::size_t advance(const ExecSpace& space, const ExpmvPlan& plan, const ExpmvCall& call, std::size_t i,
                      ConstMatrixView before, MatrixView after, Terms terms);
  void advance_vjp(const ExecSpace& space, const ExpmvPlan& plan, const ExpmvCall& call, std::size_t degree,
                   const ExpmvAdjoint& bars);
  void advance_jvp(const ExecSpace& space, const ExpmvPlan& plan, const ExpmvCall& call, std::size_t degree,
                   ConstMatrixView before, const ExpmvTangent& dots, MatrixView after);

  std::size_t n_, max_terms_, max_lanes_;
  std::size_t products_ = 0;
  Vector sources_;     ///< (m, terms, lanes): weight of w_j in term k
  Vector term_norms_;  ///< (lanes): infinity norm of the latest term
  Vector product_;     ///< one batch (n, lanes) each, as are the slots of terms_ and states_
  Vector state_, state_bar_, term_bar_;
  Vector terms_, states_;
};

}  // namespace spnode::core

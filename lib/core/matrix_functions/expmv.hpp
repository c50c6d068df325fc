#pragma once
/// Matrix-free action of the phi functions on the lanes of a tile, by truncated Taylor series with scaling
/// (Al-Mohy, Higham, SIAM J. Sci. Comput. 33, 2011; SPNODE-25, eqs. (15)-(19)). Not collective.

#include "core/matrix_functions/expmv_plan.hpp"
#include "core/memory/types.hpp"

#include <cstddef>

namespace spnode::core {

/// out(:, l) = phi_0(c h_l A) u(:, l) + h_l sum_{k=1}^{terms} phi_k(c h_l A) w_k(:, l).
template <class Real>
struct ExpmvCall {
  double c = 1.0;               ///< not zero
  ConstVectorView<Real> steps;  ///< h (lanes), either sign, |c h_l| <= plan.max_step(); zero gives out = u
  ConstMatrixView<Real> u;      ///< (n, lanes)
  Kokkos::Array<ConstMatrixView<Real>, most_phi_terms> w =
      {};  ///< w[k - 1] is w_k (n, lanes); the first `terms` are read
  std::size_t terms = 0;
};

/// Tangents or adjoints of the operands of an ExpmvCall, shaped like them.
template <class Real>
struct ExpmvTangent {
  ConstMatrixView<Real> u;                                      ///< (n, lanes)
  Kokkos::Array<ConstMatrixView<Real>, most_phi_terms> w = {};  ///< (n, lanes), the first `terms`
  ConstVectorView<Real> a;  ///< of the coefficients; an empty view means zero
};
template <class Real>
struct ExpmvAdjoint {
  MatrixView<Real> u;                                      ///< (n, lanes), added to
  Kokkos::Array<MatrixView<Real>, most_phi_terms> w = {};  ///< (n, lanes), added to
  VectorView<Real> a;  ///< of the coefficients, added to; an empty view skips it
};

namespace expmv {
template <class Real>
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
template <class Real>
class Expmv {
 public:
  /// work_rows: those of the plans' operators, 0 for dense ones.
  Expmv(std::size_t n, std::size_t max_terms, std::size_t max_lanes, std::size_t work_rows = 0);

  /// Grows the work arrays of vjp() (states at the start of the s steps, and m terms) to what the plan needs.
  /// Allocates; call it after ExpmvPlan::update(), outside the hot loop. apply() needs no call.
  void reserve(const ExpmvPlan<Real>& plan);

  /// out (n, lanes) is overwritten; it must not alias u or w. Allocates nothing.
  void apply(const ExecSpace& space, const ExpmvPlan<Real>& plan, const ExpmvCall<Real>& call,
             MatrixView<Real> out);

  /// Adds the adjoint of apply() for out_bar (n, lanes) to `bars`. Needs the same call as apply() had; the
  /// states are recomputed from it. Allocates nothing after reserve().
  void vjp(const ExecSpace& space, const ExpmvPlan<Real>& plan, const ExpmvCall<Real>& call,
           ConstMatrixView<Real> out_bar, const ExpmvAdjoint<Real>& bars);

  /// out_dot (n, lanes) = the tangent of apply(). Allocates nothing after reserve().
  void jvp(const ExecSpace& space, const ExpmvPlan<Real>& plan, const ExpmvCall<Real>& call,
           const ExpmvTangent<Real>& dots, MatrixView<Real> out_dot);

  /// Products A B done since construction, for measurements.
  std::size_t products() const { return products_; }

 private:
  /// Whether the terms of a series are kept, term k in slot k of terms_, or overwrite each other in slot 0.
  enum class Terms { overwrite, keep };

  MatrixView<Real> slot(const Vector<Real>& storage, std::size_t index, std::size_t lanes) const;
  MatrixView<Real> work(const ExpmvPlan<Real>& plan, std::size_t lanes) const;
  void check(const ExpmvPlan<Real>& plan, const ExpmvCall<Real>& call) const;
  void check_reserved(const ExpmvPlan<Real>& plan) const;

  expmv::Series<Real> series(const ExpmvPlan<Real>& plan, const ExpmvCall<Real>& call) const;

  /// State after scaling step i, from the state before it; returns the number of terms the series took.
  std::size_t advance(const ExecSpace& space, const ExpmvPlan<Real>& plan, const ExpmvCall<Real>& call,
                      std::size_t i, ConstMatrixView<Real> before, MatrixView<Real> after, Terms terms);
  void advance_vjp(const ExecSpace& space, const ExpmvPlan<Real>& plan, const ExpmvCall<Real>& call,
                   std::size_t degree, const ExpmvAdjoint<Real>& bars);
  void advance_jvp(const ExecSpace& space, const ExpmvPlan<Real>& plan, const ExpmvCall<Real>& call,
                   std::size_t degree, ConstMatrixView<Real> before, const ExpmvTangent<Real>& dots,
                   MatrixView<Real> after);

  std::size_t n_, max_terms_, max_lanes_;
  std::size_t products_ = 0;
  Vector<Real> sources_;     ///< (m, terms, lanes): weight of w_j in term k
  Vector<Real> term_norms_;  ///< (lanes): infinity norm of the latest term
  Vector<Real> product_;     ///< one batch (n, lanes) each, as are the slots of terms_ and states_
  Vector<Real> state_, state_bar_, term_bar_;
  Vector<Real> terms_, states_;
  Vector<Real> work_;  ///< of the operator's products
};

}  // namespace spnode::core

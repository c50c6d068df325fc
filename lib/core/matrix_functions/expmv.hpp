#pragma once
/// Matrix-free action of the phi functions on the lanes of a tile, by truncated Taylor series with scaling
/// (Al-Mohy, Higham, SIAM J. Sci. Comput. 33, 2011; SPNODE-25, eqs. (15)-(19)). Not collective; allocates
/// nothing once the scratch has grown.

#include "core/matrix_functions/expmv_plan.hpp"
#include "core/memory/scratch.hpp"
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

/// One call of the method. Its work arrays are taken from scratch and given back with the object.
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
  /// Keeps references to space, plan and scratch. Raises UsageError where the plan does not serve the call.
  Expmv(const ExecSpace& space, const ExpmvPlan<Real>& plan, const ExpmvCall<Real>& call,
        Scratch<Real>& scratch);

  /// out (n, lanes) is overwritten; it must not alias u or w.
  void apply(MatrixView<Real> out);

  /// Adds the adjoint of apply() for out_bar (n, lanes) to `bars`. The states are computed again.
  void vjp(ConstMatrixView<Real> out_bar, const ExpmvAdjoint<Real>& bars);

  /// out_dot (n, lanes) = the tangent of apply().
  void jvp(const ExpmvTangent<Real>& dots, MatrixView<Real> out_dot);

  /// Products A B done since construction, for measurements.
  std::size_t products() const { return products_; }

 private:
  /// The terms of a series: term k stands in slot k, or all of them in one slot, one after the other.
  struct Terms {
    VectorView<Real> storage;
    std::size_t n, lanes;
    bool kept;
    MatrixView<Real> operator[](std::size_t k) const {
      return MatrixView<Real>(storage.data() + (kept ? k : 0) * n * lanes, n, lanes);
    }
  };
  Terms one_term() { return {scratch_.vector(n_ * lanes_), n_, lanes_, false}; }
  Terms all_terms() { return {scratch_.vector((plan_.degree().m + 1) * n_ * lanes_), n_, lanes_, true}; }
  MatrixView<Real> batch() { return scratch_.matrix(n_, lanes_); }

  expmv::Series<Real> series() const;

  /// State after scaling step i, from the state before it; gives the number of terms that the series took.
  std::size_t advance(std::size_t i, ConstMatrixView<Real> before, MatrixView<Real> after,
                      const Terms& terms);
  void advance_vjp(const Terms& terms, std::size_t degree, MatrixView<Real> state_bar,
                   MatrixView<Real> term_bar, const ExpmvAdjoint<Real>& bars);
  void advance_jvp(const Terms& terms, std::size_t degree, ConstMatrixView<Real> before,
                   const ExpmvTangent<Real>& dots, MatrixView<Real> term_dot, MatrixView<Real> after);

  const ExecSpace& space_;
  const ExpmvPlan<Real>& plan_;
  ExpmvCall<Real> call_;
  Scratch<Real>& scratch_;
  ScratchFrame<Real> frame_;
  std::size_t n_, lanes_, products_ = 0;
  VectorView<Real> sources_;     ///< (m, terms, lanes): weight of w_j in term k
  VectorView<Real> term_norms_;  ///< (lanes): infinity norm of the latest term
  MatrixView<Real> product_;     ///< (n, lanes)
  MatrixView<Real> work_;        ///< of the operator's products
};

}  // namespace spnode::core

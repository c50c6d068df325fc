#pragma once

#include "core/integrators/integrator.hpp"

namespace spnode::core {

/// The whole nonlinear rate g(u) - A r(u), for schemes that do not take [g; r] apart. The generator A is
/// operator number `generator` of the linear part.
template <class Real>
struct SplitRate {
  RateShape shape;
  std::size_t generator;

  /// Rows of the tape: the rate [g; r] and the nonlinear part's own tape.
  std::size_t tape_rows(const NonlinearPart<Real>& nonlinear) const {
    return shape.rows() + nonlinear.tape_rows();
  }

  /// f (n, lanes) = g(u) - A r(u), overwritten.
  void apply(const StepContext<Real>& context, const StepLengths<Real>& steps, ConstMatrixView<Real> u,
             MatrixView<Real> f, MatrixView<Real> tape) const;

  /// adjoint.next_bar is the adjoint of f.
  void apply_vjp(const StepContext<Real>& context, const StepLengths<Real>& steps, ConstMatrixView<Real> u,
                 ConstMatrixView<Real> tape, const StepAdjoint<Real>& adjoint) const;

  /// tangent.next_dot is the tangent of f.
  void apply_jvp(const StepContext<Real>& context, const StepLengths<Real>& steps, ConstMatrixView<Real> u,
                 ConstMatrixView<Real> tape, const StepTangent<Real>& tangent) const;
};

/// Y(i, l) += factor h(l) X(i, l).
template <class Real>
void add_step_times(const ExecSpace& space, double factor, const StepLengths<Real>& steps,
                    InputMatrix<Real> X, MatrixView<Real> Y);

}  // namespace spnode::core

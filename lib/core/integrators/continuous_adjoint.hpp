#pragma once
/// The adjoint differential equation, beside the exact adjoint of the computed rollout (rollout.hpp).

#include "core/integrators/rollout_steps.hpp"
#include "core/vector_field/vector_field.hpp"

#include <cstddef>

namespace spnode::core {

/// Integrates da/dt = -(d f / d u)^T a backwards from the last time of the data, with the state beside it and
/// the gradient as the integral of (d f / d c)^T a over time (LECTURE, training of a neural ODE). The
/// classical Runge-Kutta scheme: gradients differ from those of Rollout::reverse by the fourth order of the
/// step. The state starts anew from the rollout at each time of the data.
template <class Real>
class ContinuousAdjoint {
 public:
  /// Keeps a reference to the field. `substeps`: steps in an interval of the data. `abscissae`: of the scheme
  /// that the steps' arguments were made for; 0, 1/2 and 1 must be among them.
  ContinuousAdjoint(const VectorField<Real>& field, std::size_t substeps, std::span<const double> abscissae);

  /// states: (n, (intervals + 1) lanes), of a rollout over these steps. From the adjoint of all its blocks,
  /// block 0 of states_bar becomes the adjoint of the initial state; the other blocks stay. `bar`: adjoint of
  /// the coefficients of the field, +=.
  void reverse(const ExecSpace& space, const RolloutSteps<Real>& steps, ConstMatrixView<Real> states,
               MatrixView<Real> states_bar, VectorView<Real> bar, Scratch<Real>& scratch) const;

 private:
  struct Pair {
    MatrixView<Real> u, a;
  };
  void step_back(const ExecSpace& space, const Step<Real>& step, const Pair& at, VectorView<Real> bar,
                 Scratch<Real>& scratch) const;

  const VectorField<Real>& field_;
  std::size_t substeps_;
  std::size_t begin_, middle_, end_;  // places of 0, 1/2 and 1 among the abscissae
};

}  // namespace spnode::core

#pragma once

#include "core/integrators/integrator.hpp"
#include "core/integrators/split_rate.hpp"

namespace spnode::core {

/// An explicit Runge-Kutta scheme for the whole right-hand side f(u) = A u + g(u) - A r(u):
/// U_i = u + h sum_{j<i} a_ij f(U_j), u' = u + h sum_i b_i f(U_i).
struct ExplicitTableau {
  int order;
  std::vector<std::vector<double>> a;  ///< strictly lower rows
  std::vector<double> b;
};

ExplicitTableau euler_tableau();

/// The classical scheme of Kutta.
ExplicitTableau rk4_tableau();

template <class Real>
class ExplicitRk final : public Integrator<Real> {
 public:
  ExplicitRk(ExplicitTableau tableau, RateShape shape);

  int order() const override { return tableau_.order; }
  std::vector<OperatorSpec> operators() const override { return {{OperatorSpec::Kind::generator}}; }
  std::size_t tape_rows(const NonlinearPart<Real>& nonlinear) const override;
  void step(const StepContext<Real>& context, const StepLengths<Real>& steps, ConstMatrixView<Real> u,
            MatrixView<Real> next, MatrixView<Real> tape) const override;
  void step_vjp(const StepContext<Real>& context, const StepLengths<Real>& steps, ConstMatrixView<Real> u,
                ConstMatrixView<Real> tape, const StepAdjoint<Real>& adjoint) const override;
  void step_jvp(const StepContext<Real>& context, const StepLengths<Real>& steps, ConstMatrixView<Real> u,
                ConstMatrixView<Real> tape, const StepTangent<Real>& tangent) const override;

 private:
  // The tape holds for each stage: U_i, f(U_i), and the tape of the nonlinear rate.
  struct Rows {
    std::size_t state, rate, inner;
  };
  Rows rows(std::size_t stage, const NonlinearPart<Real>& nonlinear) const;

  ExplicitTableau tableau_;
  RateShape shape_;
  SplitRate<Real> rate_;
};

}  // namespace spnode::core

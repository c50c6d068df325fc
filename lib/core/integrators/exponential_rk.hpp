#pragma once

#include "core/integrators/integrator.hpp"

namespace spnode::core {

/// An explicit exponential Runge-Kutta scheme whose coefficients are combinations of phi functions of one
/// argument per stage:
///
///   U_i = phi_0(c_i h A) u + h sum_k phi_k(c_i h A) w_ik,   w_ik = sum_{j<i} weight_ikj N(U_j),
///
/// with U_1 = u and the next state as the last "stage", at c = 1.
struct ExponentialTableau {
  struct Stage {
    double c;
    std::vector<std::vector<double>> weight;  ///< weight[k - 1][j]: of N(U_j) beside phi_k
  };
  int order;
  std::vector<Stage> stages;  ///< U_2, ..., U_s, then the next state
};

/// Exponential Euler: u' = phi_0 u + h phi_1 N(u). SPNODE-25, eq. (14) with p = 1.
ExponentialTableau etd1_tableau();

/// ETD2RK of Cox and Matthews (J. Comput. Phys. 176, 2002), eqs. (20)-(22).
ExponentialTableau etdrk2_tableau();

/// ETDRK4-B of Krogstad (J. Comput. Phys. 203, 2005), eq. (51): like the scheme of Cox and Matthews, of order
/// four, but each stage needs phi functions of one argument only, so that it can be applied matrix-free.
ExponentialTableau etdrk4_tableau();

template <class Real>
class ExponentialRk final : public Integrator<Real> {
 public:
  ExponentialRk(const ExponentialTableau& tableau, RateShape shape);

  int order() const override { return order_; }
  std::vector<OperatorSpec> operators() const override { return operators_; }
  std::size_t tape_rows(const NonlinearPart<Real>& nonlinear) const override;
  void step(const StepContext<Real>& context, const StepLengths<Real>& steps, ConstMatrixView<Real> u,
            MatrixView<Real> next, MatrixView<Real> tape) const override;
  void step_vjp(const StepContext<Real>& context, const StepLengths<Real>& steps, ConstMatrixView<Real> u,
                ConstMatrixView<Real> tape, const StepAdjoint<Real>& adjoint) const override;
  void step_jvp(const StepContext<Real>& context, const StepLengths<Real>& steps, ConstMatrixView<Real> u,
                ConstMatrixView<Real> tape, const StepTangent<Real>& tangent) const override;

 private:
  // The tape holds, for each of the s evaluations of N: its state, its rate, and the nonlinear part's own
  // tape.
  struct Rows {
    std::size_t state, rate, inner, end;
  };
  Rows rows(std::size_t evaluation, const NonlinearPart<Real>& nonlinear) const;
  std::size_t evaluations() const { return shape_.rows() == 0 ? 0 : used_.size(); }
  ConstMatrixStack<Real> arguments(std::size_t stage, ConstMatrixView<Real> u, ConstMatrixView<Real> tape,
                                   const NonlinearPart<Real>& nonlinear) const;

  int order_;
  RateShape shape_;
  std::vector<OperatorSpec> operators_;         // one per stage
  std::vector<std::vector<std::size_t>> used_;  // the evaluations whose rates a stage takes
};

}  // namespace spnode::core

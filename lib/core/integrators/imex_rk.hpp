#pragma once

#include "core/integrators/integrator.hpp"
#include "core/integrators/split_rate.hpp"

namespace spnode::core {

/// An implicit-explicit Runge-Kutta scheme: A u implicit (diagonally), the nonlinear rate explicit.
///
///   U_i = rhs_i + gamma_i h A U_i,   rhs_i = u + h sum_{j<i} (explicit_ij F_j + implicit_ij A U_j),
///   u'  = u + h sum_i (explicit_weight_i F_i + implicit_weight_i A U_i),   F_i = g(U_i) - A r(U_i).
///
/// With gamma_i > 0 the product h A U_i = (U_i - rhs_i) / gamma_i comes from the solve: at large h A it is
/// free of the cancellation of a multiplication. Stages with gamma_i = 0 are explicit and must not need A
/// U_i.
struct ImexTableau {
  int order;
  std::vector<double> gamma;                              ///< diagonal of the implicit tableau
  std::vector<std::vector<double>> explicit_, implicit_;  ///< strictly lower rows
  std::vector<double> explicit_weight, implicit_weight;
};

/// Forward-backward Euler: (I - h A) u' = u + h F(u).
ImexTableau imex_euler_tableau();

/// IMEX-SSP2(2,2,2), L-stable (Pareschi and Russo, J. Sci. Comput. 25, 2005, Table II).
ImexTableau imex_ssp2_tableau();

/// ARS(2,2,2) (Ascher, Ruuth and Spiteri, Appl. Numer. Math. 25, 1997, section 2.6).
ImexTableau imex_ars2_tableau();

template <class Real>
class ImexRk final : public Integrator<Real> {
 public:
  ImexRk(ImexTableau tableau, RateShape shape);

  int order() const override { return tableau_.order; }
  std::vector<OperatorSpec> operators() const override { return operators_; }
  std::size_t tape_rows(const NonlinearPart<Real>& nonlinear) const override;
  void step(const StepContext<Real>& context, const StepLengths<Real>& steps, ConstMatrixView<Real> u,
            MatrixView<Real> next, MatrixView<Real> tape) const override;
  void step_vjp(const StepContext<Real>& context, const StepLengths<Real>& steps, ConstMatrixView<Real> u,
                ConstMatrixView<Real> tape, const StepAdjoint<Real>& adjoint) const override;
  void step_jvp(const StepContext<Real>& context, const StepLengths<Real>& steps, ConstMatrixView<Real> u,
                ConstMatrixView<Real> tape, const StepTangent<Real>& tangent) const override;

 private:
  // The tape holds for each stage: rhs_i, U_i, F_i, and the tape of the rate.
  struct Rows {
    std::size_t rhs, state, rate, inner;
  };
  Rows rows(std::size_t stage, const NonlinearPart<Real>& nonlinear) const;
  std::size_t stages() const { return tableau_.gamma.size(); }
  // to += sum_j (explicit[j] h F_j + implicit[j] h A U_j)
  void add_rates(const StepContext<Real>& context, const StepLengths<Real>& steps, ConstMatrixView<Real> tape,
                 const std::vector<double>& explicit_part, const std::vector<double>& implicit_part,
                 MatrixView<Real> to) const;

  ImexTableau tableau_;
  RateShape shape_;
  std::vector<OperatorSpec> operators_;
  std::vector<std::size_t> resolvent_;  // operator of each implicit stage
  SplitRate<Real> rate_;
};

}  // namespace spnode::core

#include "core/integrators/imex_rk.hpp"

#include "core/kernels/elementwise.hpp"

#include <algorithm>
#include <cmath>

namespace spnode::core {

ImexTableau imex_euler_tableau() { return {1, {0.0, 1.0}, {{}, {1.0}}, {{}, {0.0}}, {1.0, 0.0}, {0.0, 1.0}}; }

ImexTableau imex_ssp2_tableau() {
  const double gamma = 1.0 - 1.0 / std::sqrt(2.0);
  return {2, {gamma, gamma}, {{}, {1.0}}, {{}, {1.0 - 2.0 * gamma}}, {0.5, 0.5}, {0.5, 0.5}};
}

ImexTableau imex_ars2_tableau() {
  const double gamma = 1.0 - 1.0 / std::sqrt(2.0), delta = 1.0 - 1.0 / (2.0 * gamma);
  return {2,
          {0.0, gamma, gamma},
          {{}, {gamma}, {delta, 1.0 - delta}},
          {{}, {0.0}, {0.0, 1.0 - gamma}},
          {delta, 1.0 - delta, 0.0},
          {0.0, 1.0 - gamma, gamma}};
}

template <class Real>
ImexRk<Real>::ImexRk(ImexTableau tableau, RateShape shape) : tableau_(std::move(tableau)), shape_(shape) {
  for (const double gamma : tableau_.gamma) {
    const OperatorSpec spec{OperatorSpec::Kind::resolvent, gamma};
    const auto known = std::ranges::find(operators_, spec);
    resolvent_.push_back(std::size_t(known - operators_.begin()));
    if (gamma != 0.0 && known == operators_.end()) operators_.push_back(spec);
  }
  rate_ = {shape_, operators_.size()};
  if (shape_.has_relaxed) operators_.push_back({OperatorSpec::Kind::generator});
}

template <class Real>
auto ImexRk<Real>::rows(std::size_t stage, const NonlinearPart<Real>& nonlinear) const -> Rows {
  const std::size_t n = shape_.n, start = stage * (3 * n + rate_.tape_rows(nonlinear));
  return {start, start + n, start + 2 * n, start + 3 * n};
}

template <class Real>
std::size_t ImexRk<Real>::tape_rows(const NonlinearPart<Real>& nonlinear) const {
  return rows(stages(), nonlinear).rhs;
}

template <class Real>
void ImexRk<Real>::add_rates(const StepContext<Real>& context, const StepLengths<Real>& steps,
                             ConstMatrixView<Real> tape, const std::vector<double>& explicit_part,
                             const std::vector<double>& implicit_part, MatrixView<Real> to) const {
  const std::size_t n = shape_.n;
  for (std::size_t j = 0; j < explicit_part.size(); ++j) {
    const Rows at = rows(j, context.nonlinear);
    if (explicit_part[j] != 0.0)
      add_step_times(context.space, explicit_part[j], steps, rows_of(tape, at.rate, n), to);
    if (implicit_part[j] == 0.0) continue;
    axpy(context.space, implicit_part[j] / tableau_.gamma[j], rows_of(tape, at.state, n), to);
    axpy(context.space, -implicit_part[j] / tableau_.gamma[j], rows_of(tape, at.rhs, n), to);
  }
}

template <class Real>
void ImexRk<Real>::step(const StepContext<Real>& context, const StepLengths<Real>& steps,
                        ConstMatrixView<Real> u, MatrixView<Real> next, MatrixView<Real> tape) const {
  const std::size_t n = shape_.n;
  for (std::size_t i = 0; i < stages(); ++i) {
    const Rows at = rows(i, context.nonlinear);
    const MatrixView<Real> rhs = rows_of(tape, at.rhs, n), U = rows_of(tape, at.state, n);
    scaled_copy(context.space, 1.0, u, rhs);
    add_rates(context, steps, tape, tableau_.explicit_[i], tableau_.implicit_[i], rhs);
    if (tableau_.gamma[i] == 0.0)
      scaled_copy(context.space, 1.0, rhs, U);
    else
      context.linear.apply(context.space, resolvent_[i], steps, rhs, U, context.scratch);
    if (i + 1 < stages() || tableau_.explicit_weight[i] != 0.0)
      rate_.apply(context, steps, U, rows_of(tape, at.rate, n),
                  rows_of(tape, at.inner, rate_.tape_rows(context.nonlinear)));
  }
  scaled_copy(context.space, 1.0, u, next);
  add_rates(context, steps, tape, tableau_.explicit_weight, tableau_.implicit_weight, next);
}

template <class Real>
void ImexRk<Real>::step_vjp(const StepContext<Real>& context, const StepLengths<Real>& steps,
                            ConstMatrixView<Real> u, ConstMatrixView<Real> tape,
                            const StepAdjoint<Real>& adjoint) const {
  const ScratchFrame frame(context.scratch);
  const ExecSpace& space = context.space;
  const std::size_t n = shape_.n, lanes = u.extent(1), s = stages();
  const MatrixView<Real> F_bar = context.scratch.matrix(s * n, lanes),
                         K_bar = context.scratch.matrix(s * n, lanes);
  const MatrixView<Real> U_bar = context.scratch.matrix(n, lanes), rhs_bar = context.scratch.matrix(n, lanes);
  fill(space, 0.0, F_bar);
  fill(space, 0.0, K_bar);
  // Adjoint of add_rates, with K_j = h A U_j.
  const auto spread = [&](const std::vector<double>& explicit_part, const std::vector<double>& implicit_part,
                          ConstMatrixView<Real> bar) {
    for (std::size_t j = 0; j < explicit_part.size(); ++j) {
      if (explicit_part[j] != 0.0)
        add_step_times(space, explicit_part[j], steps, bar, rows_of(F_bar, j * n, n));
      if (implicit_part[j] != 0.0) axpy(space, implicit_part[j], bar, rows_of(K_bar, j * n, n));
    }
  };
  axpy(space, 1.0, adjoint.next_bar, adjoint.u_bar);
  spread(tableau_.explicit_weight, tableau_.implicit_weight, adjoint.next_bar);
  for (std::size_t i = s; i-- > 0;) {
    const Rows at = rows(i, context.nonlinear);
    const double gamma = tableau_.gamma[i];
    fill(space, 0.0, U_bar);
    if (gamma != 0.0) axpy(space, 1.0 / gamma, rows_of(K_bar, i * n, n), U_bar);
    if (i + 1 < s || tableau_.explicit_weight[i] != 0.0)
      rate_.apply_vjp(context, steps, rows_of(tape, at.state, n),
                      rows_of(tape, at.inner, rate_.tape_rows(context.nonlinear)),
                      {rows_of(F_bar, i * n, n), U_bar, adjoint.linear_bar, adjoint.nonlinear_bar});
    if (gamma == 0.0) {
      scaled_copy(space, 1.0, U_bar, rhs_bar);
    } else {
      fill(space, 0.0, rhs_bar);
      context.linear.apply_vjp(space, resolvent_[i], steps,
                               {rows_of(tape, at.rhs, n), U_bar, rhs_bar, adjoint.linear_bar},
                               context.scratch);
      axpy(space, -1.0 / gamma, rows_of(K_bar, i * n, n), rhs_bar);
    }
    axpy(space, 1.0, rhs_bar, adjoint.u_bar);
    spread(tableau_.explicit_[i], tableau_.implicit_[i], rhs_bar);
  }
}

template <class Real>
void ImexRk<Real>::step_jvp(const StepContext<Real>& context, const StepLengths<Real>& steps,
                            ConstMatrixView<Real> u, ConstMatrixView<Real> tape,
                            const StepTangent<Real>& tangent) const {
  const ScratchFrame frame(context.scratch);
  const ExecSpace& space = context.space;
  const std::size_t n = shape_.n;
  // Tangents stand where the tape has the values.
  const MatrixView<Real> dots = context.scratch.matrix(tape_rows(context.nonlinear), u.extent(1));
  for (std::size_t i = 0; i < stages(); ++i) {
    const Rows at = rows(i, context.nonlinear);
    const MatrixView<Real> rhs_dot = rows_of(dots, at.rhs, n), U_dot = rows_of(dots, at.state, n);
    scaled_copy(space, 1.0, tangent.u_dot, rhs_dot);
    add_rates(context, steps, dots, tableau_.explicit_[i], tableau_.implicit_[i], rhs_dot);
    if (tableau_.gamma[i] == 0.0)
      scaled_copy(space, 1.0, rhs_dot, U_dot);
    else
      context.linear.apply_jvp(space, resolvent_[i], steps,
                               {rows_of(tape, at.rhs, n), rhs_dot, tangent.linear_dot, U_dot},
                               context.scratch);
    if (i + 1 < stages() || tableau_.explicit_weight[i] != 0.0)
      rate_.apply_jvp(context, steps, rows_of(tape, at.state, n),
                      rows_of(tape, at.inner, rate_.tape_rows(context.nonlinear)),
                      {U_dot, tangent.linear_dot, tangent.nonlinear_dot, rows_of(dots, at.rate, n)});
  }
  scaled_copy(space, 1.0, tangent.u_dot, tangent.next_dot);
  add_rates(context, steps, dots, tableau_.explicit_weight, tableau_.implicit_weight, tangent.next_dot);
}

template class ImexRk<double>;
template class ImexRk<float>;

}  // namespace spnode::core

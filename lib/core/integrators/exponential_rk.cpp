#include "core/integrators/exponential_rk.hpp"

#include "core/kernels/elementwise.hpp"

#include <algorithm>

namespace spnode::core {

ExponentialTableau etd1_tableau() { return {1, {{1.0, {{1.0}}}}}; }

ExponentialTableau etdrk2_tableau() { return {2, {{1.0, {{1.0}}}, {1.0, {{1.0, 0.0}, {-1.0, 1.0}}}}}; }

ExponentialTableau etdrk4_tableau() {
  return {4,
          {{0.5, {{0.5}}},
           {0.5, {{0.5, 0.0}, {-1.0, 1.0}}},
           {1.0, {{1.0, 0.0, 0.0}, {-2.0, 0.0, 2.0}}},
           {1.0, {{1.0, 0.0, 0.0, 0.0}, {-3.0, 2.0, 2.0, -1.0}, {4.0, -4.0, -4.0, 4.0}}}}};
}

template <class Real>
ExponentialRk<Real>::ExponentialRk(const ExponentialTableau& tableau, RateShape shape)
    : order_(tableau.order), shape_(shape) {
  for (const ExponentialTableau::Stage& stage : tableau.stages) {
    // Rates that no phi function takes are not passed on.
    std::vector<std::size_t> used;
    for (std::size_t j = 0; j < stage.weight[0].size() && shape_.rows() > 0; ++j)
      if (std::ranges::any_of(stage.weight, [j](const auto& row) { return row[j] != 0.0; }))
        used.push_back(j);
    OperatorSpec spec{OperatorSpec::Kind::exponential, stage.c};
    for (std::size_t k = 0; k < stage.weight.size() && !used.empty(); ++k) {
      auto& weight = spec.weight.emplace_back();
      for (const std::size_t j : used) weight.push_back(stage.weight[k][j]);
    }
    operators_.push_back(std::move(spec));
    used_.push_back(std::move(used));
  }
  // Without a nonlinear part only the last stage is left.
  if (shape_.rows() == 0) operators_ = {operators_.back()};
}

template <class Real>
auto ExponentialRk<Real>::rows(std::size_t evaluation, const NonlinearPart<Real>& nonlinear) const -> Rows {
  // The first evaluation is at u itself, which the caller keeps.
  const std::size_t rate = shape_.rows(), inner = nonlinear.tape_rows();
  const std::size_t start = evaluation == 0 ? 0 : rate + inner + (evaluation - 1) * (shape_.n + rate + inner);
  const std::size_t state = evaluation == 0 ? 0 : shape_.n;
  return {start, start + state, start + state + rate, start + state + rate + inner};
}

template <class Real>
std::size_t ExponentialRk<Real>::tape_rows(const NonlinearPart<Real>& nonlinear) const {
  return evaluations() == 0 ? 0 : rows(evaluations() - 1, nonlinear).end;
}

// [u; N_j ...] of a stage from the rates on the tape.
template <class Real>
ConstMatrixStack<Real> ExponentialRk<Real>::arguments(std::size_t stage, ConstMatrixView<Real> u,
                                                      ConstMatrixView<Real> tape,
                                                      const NonlinearPart<Real>& nonlinear) const {
  ConstMatrixStack<Real> X(u);
  for (const std::size_t j : used_[stage]) X.push_back(rows_of(tape, rows(j, nonlinear).rate, shape_.rows()));
  return X;
}

template <class Real>
void ExponentialRk<Real>::step(const StepContext<Real>& context, const StepLengths<Real>& steps,
                               ConstMatrixView<Real> u, MatrixView<Real> next, MatrixView<Real> tape) const {
  const std::size_t s = evaluations();
  if (s == 0) return context.linear.apply(context.space, 0, steps, u, next, context.scratch);
  ConstMatrixView<Real> U = u;
  for (std::size_t i = 0; i < s; ++i) {
    const Rows at = rows(i, context.nonlinear);
    context.nonlinear.apply(context.space, U, rows_of(tape, at.rate, shape_.rows()),
                            rows_of(tape, at.inner, context.nonlinear.tape_rows()), context.scratch);
    const MatrixView<Real> out =
        i + 1 == s ? next : rows_of(tape, rows(i + 1, context.nonlinear).state, shape_.n);
    context.linear.apply(context.space, i, steps, arguments(i, u, tape, context.nonlinear), out,
                         context.scratch);
    U = out;
  }
}

template <class Real>
void ExponentialRk<Real>::step_vjp(const StepContext<Real>& context, const StepLengths<Real>& steps,
                                   ConstMatrixView<Real> u, ConstMatrixView<Real> tape,
                                   const StepAdjoint<Real>& adjoint) const {
  const ScratchFrame frame(context.scratch);
  const ExecSpace& space = context.space;
  const std::size_t lanes = u.extent(1), n = shape_.n, rate = shape_.rows(), s = evaluations();
  if (s == 0)
    return context.linear.apply_vjp(space, 0, steps, {u, adjoint.next_bar, adjoint.u_bar, adjoint.linear_bar},
                                    context.scratch);
  const MatrixView<Real> rate_bars = context.scratch.matrix(s * rate, lanes),
                         U_bar = context.scratch.matrix(n, lanes);
  fill(space, 0.0, rate_bars);
  ConstMatrixView<Real> out_bar = adjoint.next_bar;
  for (std::size_t i = s; i-- > 0;) {
    MatrixStack<Real> X_bar(adjoint.u_bar);
    for (const std::size_t j : used_[i]) X_bar.push_back(rows_of(rate_bars, j * rate, rate));
    context.linear.apply_vjp(space, i, steps,
                             {arguments(i, u, tape, context.nonlinear), out_bar, X_bar, adjoint.linear_bar},
                             context.scratch);

    // All that uses N(U_i) has been seen: take it back to the state of its evaluation.
    const Rows at = rows(i, context.nonlinear);
    const ConstMatrixView<Real> U = i == 0 ? u : rows_of(tape, at.state, n);
    if (i > 0) fill(space, 0.0, U_bar);
    context.nonlinear.apply_vjp(
        space,
        {U, rows_of(tape, at.inner, context.nonlinear.tape_rows()), rows_of(rate_bars, i * rate, rate),
         i == 0 ? adjoint.u_bar : U_bar, adjoint.nonlinear_bar},
        context.scratch);
    out_bar = U_bar;
  }
}

template <class Real>
void ExponentialRk<Real>::step_jvp(const StepContext<Real>& context, const StepLengths<Real>& steps,
                                   ConstMatrixView<Real> u, ConstMatrixView<Real> tape,
                                   const StepTangent<Real>& tangent) const {
  const ScratchFrame frame(context.scratch);
  const ExecSpace& space = context.space;
  const std::size_t lanes = u.extent(1), n = shape_.n, rate = shape_.rows(), s = evaluations();
  if (s == 0)
    return context.linear.apply_jvp(space, 0, steps, {u, tangent.u_dot, tangent.linear_dot, tangent.next_dot},
                                    context.scratch);
  const MatrixView<Real> rate_dots = context.scratch.matrix(s * rate, lanes),
                         U_dot = context.scratch.matrix(n, lanes);
  for (std::size_t i = 0; i < s; ++i) {
    const Rows at = rows(i, context.nonlinear);
    context.nonlinear.apply_jvp(
        space,
        {i == 0 ? u : rows_of(tape, at.state, n), i == 0 ? tangent.u_dot : ConstMatrixView<Real>(U_dot),
         rows_of(tape, at.inner, context.nonlinear.tape_rows()), tangent.nonlinear_dot,
         rows_of(rate_dots, i * rate, rate)},
        context.scratch);
    ConstMatrixStack<Real> X_dot(tangent.u_dot);
    for (const std::size_t j : used_[i])
      X_dot.push_back(ConstMatrixView<Real>(rows_of(rate_dots, j * rate, rate)));
    context.linear.apply_jvp(space, i, steps,
                             {arguments(i, u, tape, context.nonlinear), X_dot, tangent.linear_dot,
                              i + 1 == s ? tangent.next_dot : U_dot},
                             context.scratch);
  }
}

template class ExponentialRk<double>;
template class ExponentialRk<float>;

}  // namespace spnode::core

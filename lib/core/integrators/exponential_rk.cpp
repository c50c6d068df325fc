#include "core/integrators/exponential_rk.hpp"

#include "core/kernels/elementwise.hpp"

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
std::size_t ExponentialRk<Real>::terms(const ExponentialTableau::Stage& stage) const {
  return shape_.rows() == 0 ? 0 : stage.weight.size();
}

template <class Real>
std::vector<OperatorSpec> ExponentialRk<Real>::operators() const {
  std::vector<OperatorSpec> specs;
  // Without a nonlinear part only the last stage is left.
  for (const auto& stage : tableau_.stages)
    specs.push_back({OperatorSpec::Kind::exponential, stage.c, terms(stage)});
  return shape_.rows() == 0 ? std::vector<OperatorSpec>{specs.back()} : specs;
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

template <class Real>
MatrixView<Real> ExponentialRk<Real>::scratch_rows(const StepContext<Real>& context, std::size_t stage,
                                                   std::size_t lanes) const {
  return context.scratch.matrix(shape_.n + terms(tableau_.stages[stage]) * shape_.rows(), lanes);
}

// X = [u; w_1; w_2; ...] of a stage from the rates on the tape.
template <class Real>
void ExponentialRk<Real>::gather(const StepContext<Real>& context, std::size_t stage, ConstMatrixView<Real> u,
                                 ConstMatrixView<Real> tape, MatrixView<Real> X) const {
  const std::size_t n = shape_.n, rate = shape_.rows();
  const auto& weight = tableau_.stages[stage].weight;
  scaled_copy(context.space, 1.0, u, rows_of(X, 0, n));
  for (std::size_t k = 0; k < terms(tableau_.stages[stage]); ++k) {
    const MatrixView<Real> w = rows_of(X, n + k * rate, rate);
    bool written = false;
    for (std::size_t j = 0; j < weight[k].size(); ++j) {
      if (weight[k][j] == 0.0) continue;
      const ConstMatrixView<Real> N = rows_of(tape, rows(j, context.nonlinear).rate, rate);
      if (written)
        axpy(context.space, weight[k][j], N, w);
      else
        scaled_copy(context.space, weight[k][j], N, w);
      written = true;
    }
  }
}

template <class Real>
void ExponentialRk<Real>::step(const StepContext<Real>& context, const StepLengths<Real>& steps,
                               ConstMatrixView<Real> u, MatrixView<Real> next, MatrixView<Real> tape) const {
  const ScratchFrame frame(context.scratch);
  const std::size_t lanes = u.extent(1), n = shape_.n, s = evaluations();
  if (s == 0) return context.linear.apply(context.space, 0, steps, u, next, context.scratch);
  ConstMatrixView<Real> U = u;
  for (std::size_t i = 0; i < s; ++i) {
    const Rows at = rows(i, context.nonlinear);
    context.nonlinear.apply(context.space, U, rows_of(tape, at.rate, shape_.rows()),
                            rows_of(tape, at.inner, context.nonlinear.tape_rows()), context.scratch);
    const MatrixView<Real> X = scratch_rows(context, i, lanes);
    gather(context, i, u, tape, X);
    const MatrixView<Real> out = i + 1 == s ? next : rows_of(tape, rows(i + 1, context.nonlinear).state, n);
    context.linear.apply(context.space, i, steps, X, out, context.scratch);
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
  if (s == 0) {
    const MatrixView<Real> X_bar = context.scratch.matrix(n, lanes);
    context.linear.apply_vjp(space, 0, steps, {u, adjoint.next_bar, X_bar, adjoint.linear_bar},
                             context.scratch);
    return axpy(space, 1.0, X_bar, adjoint.u_bar);
  }
  const MatrixView<Real> rate_bars = context.scratch.matrix(s * rate, lanes),
                         U_bar = context.scratch.matrix(n, lanes);
  fill(space, 0.0, rate_bars);
  ConstMatrixView<Real> out_bar = adjoint.next_bar;
  for (std::size_t i = s; i-- > 0;) {
    const ScratchFrame stage_frame(context.scratch);
    const MatrixView<Real> X = scratch_rows(context, i, lanes), X_bar = scratch_rows(context, i, lanes);
    gather(context, i, u, tape, X);
    context.linear.apply_vjp(space, i, steps, {X, out_bar, X_bar, adjoint.linear_bar}, context.scratch);
    axpy(space, 1.0, rows_of(X_bar, 0, n), adjoint.u_bar);
    const auto& weight = tableau_.stages[i].weight;
    for (std::size_t k = 0; k < weight.size(); ++k)
      for (std::size_t j = 0; j < weight[k].size(); ++j)
        if (weight[k][j] != 0.0)
          axpy(space, weight[k][j], rows_of(X_bar, n + k * rate, rate), rows_of(rate_bars, j * rate, rate));

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

template class ExponentialRk<double>;
template class ExponentialRk<float>;

}  // namespace spnode::core

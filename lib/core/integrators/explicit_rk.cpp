#include "core/integrators/explicit_rk.hpp"

#include "core/kernels/elementwise.hpp"

namespace spnode::core {

ExplicitTableau euler_tableau() { return {1, {{}}, {1.0}}; }

ExplicitTableau rk4_tableau() {
  return {4, {{}, {0.5}, {0.0, 0.5}, {0.0, 0.0, 1.0}}, {1.0 / 6.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 6.0}};
}

template <class Real>
ExplicitRk<Real>::ExplicitRk(ExplicitTableau tableau, RateShape shape)
    : tableau_(std::move(tableau)), shape_(shape), rate_{shape, 0} {}

template <class Real>
auto ExplicitRk<Real>::rows(std::size_t stage, const NonlinearPart<Real>& nonlinear) const -> Rows {
  const std::size_t n = shape_.n, start = stage * (2 * n + rate_.tape_rows(nonlinear));
  return {start, start + n, start + 2 * n};
}

template <class Real>
std::size_t ExplicitRk<Real>::tape_rows(const NonlinearPart<Real>& nonlinear) const {
  return rows(tableau_.b.size(), nonlinear).state;
}

template <class Real>
void ExplicitRk<Real>::step(const StepContext<Real>& context, const StepLengths<Real>& steps,
                            ConstMatrixView<Real> u, MatrixView<Real> next, MatrixView<Real> tape) const {
  const ScratchFrame frame(context.scratch);
  const std::size_t n = shape_.n;
  const auto rate_of = [&](std::size_t j) { return rows_of(tape, rows(j, context.nonlinear).rate, n); };
  const MatrixView<Real> Au = context.scratch.matrix(n, u.extent(1));
  for (std::size_t i = 0; i < tableau_.b.size(); ++i) {
    const Rows at = rows(i, context.nonlinear);
    const MatrixView<Real> U = rows_of(tape, at.state, n);
    scaled_copy(context.space, 1.0, u, U);
    for (std::size_t j = 0; j < i; ++j)
      if (tableau_.a[i][j] != 0.0) add_step_times(context.space, tableau_.a[i][j], steps, rate_of(j), U);
    rate_.apply(context, steps, U, rate_of(i), rows_of(tape, at.inner, rate_.tape_rows(context.nonlinear)));
    context.linear.apply(context.space, 0, steps, U, Au, context.scratch);
    axpy(context.space, 1.0, Au, rate_of(i));
  }
  scaled_copy(context.space, 1.0, u, next);
  for (std::size_t i = 0; i < tableau_.b.size(); ++i)
    add_step_times(context.space, tableau_.b[i], steps, rate_of(i), next);
}

template <class Real>
void ExplicitRk<Real>::step_vjp(const StepContext<Real>& context, const StepLengths<Real>& steps,
                                ConstMatrixView<Real> u, ConstMatrixView<Real> tape,
                                const StepAdjoint<Real>& adjoint) const {
  const ScratchFrame frame(context.scratch);
  const ExecSpace& space = context.space;
  const std::size_t n = shape_.n, lanes = u.extent(1), s = tableau_.b.size();
  const MatrixView<Real> f_bars = context.scratch.matrix(s * n, lanes);
  const MatrixView<Real> U_bar = context.scratch.matrix(n, lanes);
  fill(space, 0.0, f_bars);
  axpy(space, 1.0, adjoint.next_bar, adjoint.u_bar);
  for (std::size_t i = 0; i < s; ++i)
    add_step_times(space, tableau_.b[i], steps, adjoint.next_bar, rows_of(f_bars, i * n, n));
  for (std::size_t i = s; i-- > 0;) {
    const Rows at = rows(i, context.nonlinear);
    const ConstMatrixView<Real> U = rows_of(tape, at.state, n), f_bar = rows_of(f_bars, i * n, n);
    fill(space, 0.0, U_bar);
    context.linear.apply_vjp(space, 0, steps, {U, f_bar, U_bar, adjoint.linear_bar}, context.scratch);
    rate_.apply_vjp(context, steps, U, rows_of(tape, at.inner, rate_.tape_rows(context.nonlinear)),
                    {f_bar, U_bar, adjoint.linear_bar, adjoint.nonlinear_bar});
    axpy(space, 1.0, U_bar, adjoint.u_bar);
    for (std::size_t j = 0; j < i; ++j)
      if (tableau_.a[i][j] != 0.0)
        add_step_times(space, tableau_.a[i][j], steps, U_bar, rows_of(f_bars, j * n, n));
  }
}

template <class Real>
void ExplicitRk<Real>::step_jvp(const StepContext<Real>& context, const StepLengths<Real>& steps,
                                ConstMatrixView<Real> u, ConstMatrixView<Real> tape,
                                const StepTangent<Real>& tangent) const {
  const ScratchFrame frame(context.scratch);
  const ExecSpace& space = context.space;
  const std::size_t n = shape_.n, lanes = u.extent(1), s = tableau_.b.size();
  const MatrixView<Real> f_dots = context.scratch.matrix(s * n, lanes);
  const MatrixView<Real> U_dot = context.scratch.matrix(n, lanes), Au_dot = context.scratch.matrix(n, lanes);
  for (std::size_t i = 0; i < s; ++i) {
    const Rows at = rows(i, context.nonlinear);
    const ConstMatrixView<Real> U = rows_of(tape, at.state, n);
    const MatrixView<Real> f_dot = rows_of(f_dots, i * n, n);
    scaled_copy(space, 1.0, tangent.u_dot, U_dot);
    for (std::size_t j = 0; j < i; ++j)
      if (tableau_.a[i][j] != 0.0)
        add_step_times(space, tableau_.a[i][j], steps, rows_of(f_dots, j * n, n), U_dot);
    rate_.apply_jvp(context, steps, U, rows_of(tape, at.inner, rate_.tape_rows(context.nonlinear)),
                    {U_dot, tangent.linear_dot, tangent.nonlinear_dot, f_dot});
    context.linear.apply_jvp(space, 0, steps, {U, U_dot, tangent.linear_dot, Au_dot}, context.scratch);
    axpy(space, 1.0, Au_dot, f_dot);
  }
  scaled_copy(space, 1.0, tangent.u_dot, tangent.next_dot);
  for (std::size_t i = 0; i < s; ++i)
    add_step_times(space, tableau_.b[i], steps, rows_of(f_dots, i * n, n), tangent.next_dot);
}

template class ExplicitRk<double>;
template class ExplicitRk<float>;

}  // namespace spnode::core

#include "core/integrators/split_rate.hpp"

#include "core/kernels/elementwise.hpp"
#include "core/kernels/lanes.hpp"

namespace spnode::core {

template <class Real>
void SplitRate<Real>::apply(const StepContext<Real>& context, const StepLengths<Real>& steps,
                            ConstMatrixView<Real> u, MatrixView<Real> f, MatrixView<Real> tape) const {
  const ScratchFrame frame(context.scratch);
  const std::size_t n = shape.n, rows = shape.rows();
  if (rows == 0) return fill(context.space, 0.0, f);
  const MatrixView<Real> rate = rows_of(tape, 0, rows);
  context.nonlinear.apply(context.space, u, rate, rows_of(tape, rows, context.nonlinear.tape_rows()),
                          context.scratch);
  if (!shape.has_relaxed) return scaled_copy(context.space, 1.0, rate, f);
  const MatrixView<Real> Ar = context.scratch.matrix(n, u.extent(1));
  context.linear.apply(context.space, generator, steps, rows_of(rate, rows - n, n), Ar, context.scratch);
  scaled_copy(context.space, -1.0, Ar, f);
  if (shape.has_plain) axpy(context.space, 1.0, rows_of(rate, 0, n), f);
}

template <class Real>
void SplitRate<Real>::apply_vjp(const StepContext<Real>& context, const StepLengths<Real>& steps,
                                ConstMatrixView<Real> u, ConstMatrixView<Real> tape,
                                const StepAdjoint<Real>& adjoint) const {
  const ScratchFrame frame(context.scratch);
  const std::size_t n = shape.n, rows = shape.rows(), lanes = u.extent(1);
  if (rows == 0) return;
  const MatrixView<Real> rate_bar = context.scratch.matrix(rows, lanes);
  fill(context.space, 0.0, rate_bar);
  if (shape.has_plain) axpy(context.space, 1.0, adjoint.next_bar, rows_of(rate_bar, 0, n));
  if (shape.has_relaxed) {
    const MatrixView<Real> Ar_bar = context.scratch.matrix(n, lanes);
    scaled_copy(context.space, -1.0, adjoint.next_bar, Ar_bar);
    context.linear.apply_vjp(
        context.space, generator, steps,
        {rows_of(tape, rows - n, n), Ar_bar, rows_of(rate_bar, rows - n, n), adjoint.linear_bar},
        context.scratch);
  }
  context.nonlinear.apply_vjp(
      context.space,
      {u, rows_of(tape, rows, context.nonlinear.tape_rows()), rate_bar, adjoint.u_bar, adjoint.nonlinear_bar},
      context.scratch);
}

template <class Real>
void SplitRate<Real>::apply_jvp(const StepContext<Real>& context, const StepLengths<Real>& steps,
                                ConstMatrixView<Real> u, ConstMatrixView<Real> tape,
                                const StepTangent<Real>& tangent) const {
  const ScratchFrame frame(context.scratch);
  const std::size_t n = shape.n, rows = shape.rows(), lanes = u.extent(1);
  const MatrixView<Real>& f_dot = tangent.next_dot;
  if (rows == 0) return fill(context.space, 0.0, f_dot);
  const MatrixView<Real> rate_dot = context.scratch.matrix(rows, lanes);
  context.nonlinear.apply_jvp(
      context.space,
      {u, tangent.u_dot, rows_of(tape, rows, context.nonlinear.tape_rows()), tangent.nonlinear_dot, rate_dot},
      context.scratch);
  if (!shape.has_relaxed) return scaled_copy(context.space, 1.0, rate_dot, f_dot);
  const MatrixView<Real> Ar_dot = context.scratch.matrix(n, lanes);
  context.linear.apply_jvp(
      context.space, generator, steps,
      {rows_of(tape, rows - n, n), rows_of(rate_dot, rows - n, n), tangent.linear_dot, Ar_dot},
      context.scratch);
  scaled_copy(context.space, -1.0, Ar_dot, f_dot);
  if (shape.has_plain) axpy(context.space, 1.0, rows_of(rate_dot, 0, n), f_dot);
}

template <class Real>
void add_step_times(const ExecSpace& space, double factor, const StepLengths<Real>& steps,
                    InputMatrix<Real> X, MatrixView<Real> Y) {
  const ConstVectorView<Real> h = steps.h;
  const Real f = Real(factor);
  for_each_row(
      "add_step_times", space, Y.extent(0), Y.extent(1),
      KOKKOS_LAMBDA(const std::size_t i, const std::size_t first, const std::size_t last) {
        for (std::size_t l = first; l < last; ++l) Y(i, l) += f * h(l) * X(i, l);
      });
}

template struct SplitRate<double>;
template struct SplitRate<float>;
template void add_step_times(const ExecSpace&, double, const StepLengths<double>&, InputMatrix<double>,
                             MatrixView<double>);
template void add_step_times(const ExecSpace&, double, const StepLengths<float>&, InputMatrix<float>,
                             MatrixView<float>);

}  // namespace spnode::core

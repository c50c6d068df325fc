#include "core/linear/low_rank/low_rank_linear_part.hpp"

#include "core/kernels/elementwise.hpp"
#include "core/linear/step_table.hpp"
#include "core/matrix_functions/lane_operator.hpp"
#include "core/matrix_functions/linear_algebra.hpp"

#include <algorithm>

namespace spnode::core {
namespace {

using Kind = OperatorSpec::Kind;

/// Y = beta Y + X / (1 - c h d), row by row and lane by lane; Y may be X.
template <class Real>
void divide(const ExecSpace& space, double c, const StepLengths<Real>& steps, InputVector<Real> d,
            InputMatrix<Real> X, double beta, MatrixView<Real> Y) {
  const ConstVectorView<Real> h = steps.h;
  const Real factor = Real(c), keep = Real(beta);
  const std::size_t lanes = Y.extent(1);
  Kokkos::parallel_for(
      "spnode::core::low_rank_divide", Kokkos::RangePolicy<ExecSpace>(space, 0, Y.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        const Real rate = factor * d(i);
        for (std::size_t l = 0; l < lanes; ++l)
          Y(i, l) = (keep == Real(0) ? Real(0) : keep * Y(i, l)) + X(i, l) / (Real(1) - h(l) * rate);
      });
}

/// Y(:, l) = c h_l X(:, l).
template <class Real>
void scale_lanes(const ExecSpace& space, double c, const StepLengths<Real>& steps, InputMatrix<Real> X,
                 MatrixView<Real> Y) {
  const ConstVectorView<Real> h = steps.h;
  const Real factor = Real(c);
  const std::size_t lanes = Y.extent(1);
  Kokkos::parallel_for(
      "spnode::core::low_rank_scale_lanes", Kokkos::RangePolicy<ExecSpace>(space, 0, Y.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        for (std::size_t l = 0; l < lanes; ++l) Y(i, l) = factor * h(l) * X(i, l);
      });
}

}  // namespace

template <class Real>
LowRankLinearPart<Real>::LowRankLinearPart(SplitShape shape, std::vector<OperatorSpec> operators,
                                           std::vector<double> steps, const LinearShape& matrix)
    : operators_(std::move(operators)),
      steps_(std::move(steps)),
      matrix_(matrix),
      taylor_(shape, operators_, StepTable(steps_).largest(), matrix) {
  for (const OperatorSpec& spec : operators_) {
    resolvent_.push_back(resolvents_);
    if (spec.kind == Kind::resolvent) ++resolvents_;
  }
  if (resolvents_ == 0) return;
  diagonal_ = Vector<Real>("spnode::core::LowRankLinearPart", matrix_.n);
  factors_ = Matrix<Real>("spnode::core::LowRankLinearPart", matrix_.n, matrix_.columns());
  make_room();
}

template <class Real>
void LowRankLinearPart<Real>::make_room() {
  host_.resize(2 * core_size() * resolvents_ * steps_.size());
  if (cores_.extent(0) < host_.size()) cores_ = Vector<Real>("spnode::core::LowRankLinearPart", host_.size());
}

/// K and its transpose.
template <class Real>
void LowRankLinearPart<Real>::write_cores(const StructuredMatrix& A, double tau, double* cores) const {
  const std::size_t q = matrix_.columns();
  std::vector<double> scaled(A.factors().begin(), A.factors().end()), work(64 * q), column(q);
  for (std::size_t i = 0; i < matrix_.n; ++i)
    for (std::size_t k = 0; k < q; ++k) scaled[i * q + k] /= 1.0 - tau * A.diagonal()[i];
  const HostMatrix K{cores, q, q};
  const HostOperand F(A.factors().data(), matrix_.n, q);
  multiply(-tau, transposed(F), HostOperand(scaled.data(), matrix_.n, q), 0.0, K);
  for (std::size_t k = 0; k < q; ++k) {
    std::ranges::fill(column, 0.0);
    column[k] = 1.0;
    turn(Side::transposed, column);
    for (std::size_t i = 0; i < q; ++i) cores[i * q + k] += column[i];
  }
  std::vector<int> pivots(q);
  invert(K, pivots, work, "I - step A");
  for (std::size_t i = 0; i < q * q; ++i) cores[i] *= tau;
  for (std::size_t i = 0; i < q; ++i)
    for (std::size_t k = 0; k < q; ++k) cores[q * q + k * q + i] = cores[i * q + k];
}

template <class Real>
void LowRankLinearPart<Real>::assemble(std::span<const double> A) {
  taylor_.assemble(A);
  if (resolvents_ == 0) return;
  A_.assign(A.begin(), A.end());
  const StructuredMatrix matrix{matrix_, A_};
  upload(matrix.diagonal(), diagonal_);
  upload(matrix.factors(), factors_);
  write_all_cores();
}

template <class Real>
void LowRankLinearPart<Real>::set_steps(const std::vector<double>& steps) {
  if (resolvents_ == 0) return;
  steps_ = steps;
  make_room();
  write_all_cores();
}

template <class Real>
void LowRankLinearPart<Real>::write_all_cores() {
  const StructuredMatrix matrix{matrix_, A_};
  for (std::size_t step = 0; step < steps_.size(); ++step)
    for (std::size_t op = 0; op < operators_.size(); ++op)
      if (operators_[op].kind == Kind::resolvent)
        write_cores(matrix, operators_[op].c * steps_[step],
                    host_.data() + 2 * core_size() * (step * resolvents_ + resolvent_[op]));
  upload(std::span<const double>(host_), cores_);
}

template <class Real>
void LowRankLinearPart<Real>::assemble_vjp(std::span<const double> bar, std::span<double> A_bar) {
  taylor_.assemble_vjp(bar, A_bar);
}

template <class Real>
void LowRankLinearPart<Real>::assemble_jvp(std::span<const double> A_dot, std::span<double> dot) {
  taylor_.assemble_jvp(A_dot, dot);
}

template <class Real>
LaneMatrices<Real> LowRankLinearPart<Real>::core(std::size_t op, Transpose transpose) const {
  const std::size_t q = matrix_.columns();
  return {cores_.data(), 2 * core_size() * resolvents_,
          core_size() * (2 * resolvent_[op] + (transpose == Transpose::yes ? 1 : 0)), q, q};
}

/// out = (I - tau A)^-1 X, or with the transpose of A.
template <class Real>
void LowRankLinearPart<Real>::solve(const ExecSpace& space, std::size_t op, Transpose transpose,
                                    const StepLengths<Real>& steps, ConstMatrixView<Real> X,
                                    MatrixView<Real> out, Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const std::size_t q = matrix_.columns(), lanes = out.extent(1);
  const double c = operators_[op].c;
  const MatrixView<Real> inner = scratch.matrix(q, lanes), turned = scratch.matrix(q, lanes),
                         correction = scratch.matrix(matrix_.n, lanes);
  divide<Real>(space, c, steps, diagonal_, X, 0.0, out);
  gemm<Real>(space, 1.0, factors_, Transpose::yes, out, 0.0, inner);
  const LaneMatrices<Real> K = core(op, transpose);
  if (steps.uniform)
    gemm<Real>(space, 1.0, K.of(steps.first), Transpose::no, inner, 0.0, turned);
  else
    apply_per_lane<Real>(space, K, steps, inner, turned, scratch);
  gemm<Real>(space, 1.0, factors_, Transpose::no, turned, 0.0, correction);
  divide<Real>(space, c, steps, diagonal_, correction, 1.0, out);
}

template <class Real>
void LowRankLinearPart<Real>::apply(const ExecSpace& space, const Value& value,
                                    Scratch<Real>& scratch) const {
  const auto& [op, steps, at] = value.action;
  if (operators_[op].kind != Kind::resolvent) return taylor_.apply(space, value, scratch);
  solve(space, op, Transpose::no, steps, value.X.block[0], value.out, scratch);
}

/// With y = R x and z = R^T y_bar: x_bar += z, and A_bar += tau z y^T.
template <class Real>
void LowRankLinearPart<Real>::apply_vjp(const ExecSpace& space, const Reverse& reverse,
                                        Scratch<Real>& scratch) const {
  const auto& [op, steps, at] = reverse.action;
  if (operators_[op].kind != Kind::resolvent) return taylor_.apply_vjp(space, reverse, scratch);
  const ScratchFrame frame(scratch);
  const std::size_t lanes = reverse.out_bar.extent(1);
  const MatrixView<Real> y = scratch.matrix(matrix_.n, lanes), z = scratch.matrix(matrix_.n, lanes);
  solve(space, op, Transpose::no, steps, reverse.X.block[0], y, scratch);
  solve(space, op, Transpose::yes, steps, reverse.out_bar, z, scratch);
  axpy(space, 1.0, z, reverse.X_bar.block[0]);
  scale_lanes<Real>(space, operators_[op].c, steps, z, z);
  const LaneOperator<Real>& A = taylor_.matrix();
  A.apply_vjp(space, y, z, reverse.bar, scratch.matrix(A.work_rows(), lanes));
}

/// With y = R x: y_dot = R (x_dot + tau A_dot y).
template <class Real>
void LowRankLinearPart<Real>::apply_jvp(const ExecSpace& space, const Tangent& tangent,
                                        Scratch<Real>& scratch) const {
  const auto& [op, steps, at] = tangent.action;
  if (operators_[op].kind != Kind::resolvent) return taylor_.apply_jvp(space, tangent, scratch);
  const ScratchFrame frame(scratch);
  const std::size_t lanes = tangent.out_dot.extent(1);
  const MatrixView<Real> y = scratch.matrix(matrix_.n, lanes), rhs = scratch.matrix(matrix_.n, lanes);
  solve(space, op, Transpose::no, steps, tangent.X.block[0], y, scratch);
  fill(space, 0.0, rhs);
  const LaneOperator<Real>& A = taylor_.matrix();
  A.apply_jvp(space, tangent.dot, y, rhs, scratch.matrix(A.work_rows(), lanes));
  scale_lanes<Real>(space, operators_[op].c, steps, rhs, rhs);
  axpy(space, 1.0, tangent.X_dot.block[0], rhs);
  solve(space, op, Transpose::no, steps, rhs, tangent.out_dot, scratch);
}

template class LowRankLinearPart<double>;
template class LowRankLinearPart<float>;

}  // namespace spnode::core

#include "core/linear/fast/fast_linear_part.hpp"

#include "core/kernels/elementwise.hpp"
#include "core/kernels/lane_products.hpp"
#include "core/linear/fast/lane_exponential.hpp"

#include <algorithm>

namespace spnode::core {
namespace {

using Kind = OperatorSpec::Kind;

template <class Real>
MatrixView<Real> zeros(const ExecSpace& space, std::size_t rows, std::size_t lanes, Scratch<Real>& scratch) {
  const MatrixView<Real> zero = scratch.matrix(rows, lanes);
  fill(space, 0.0, zero);
  return zero;
}

/// Y(:, l) += factor h_l X(:, l).
template <class Real>
void add_times_step(const ExecSpace& space, double factor, ConstVectorView<Real> h, ConstMatrixView<Real> X,
                    MatrixView<Real> Y, Scratch<Real>& scratch) {
  const ScratchFrame frame(scratch);
  const MatrixView<Real> weights = scratch.matrix(1, Y.extent(1));
  scaled_copy(space, factor, ConstMatrixView<Real>(h.data(), 1, Y.extent(1)), weights);
  add_lanes_scaled(space, weights, X, Y);
}

double over_factorial(std::size_t k) {
  double value = 1.0;
  for (std::size_t i = 2; i <= k; ++i) value /= double(i);
  return value;
}

/// w_k = sum_j weight_kj N_j of an exponential operator, or their tangents; (n, lanes) each.
template <class Real>
using Sources = Kokkos::Array<MatrixView<Real>, LaneExponential<Real>::most_terms>;

template <class Real>
Sources<Real> sources(const ExecSpace& space, const OperatorSpec& spec, const ConstMatrixStack<Real>& X,
                      Scratch<Real>& scratch) {
  Sources<Real> w;
  for (std::size_t k = 0; k < spec.terms(); ++k) {
    w[k] = zeros(space, X.block[0].extent(0), X.lanes(), scratch);
    for (std::size_t j = 0; j < spec.evaluations(); ++j)
      if (spec.weight[k][j] != 0.0) axpy(space, spec.weight[k][j], X.block[1 + j], w[k]);
  }
  return w;
}

}  // namespace

template <class Real>
FastLinearPart<Real>::FastLinearPart(const SplitShape& shape, std::vector<OperatorSpec> operators,
                                     const HurwitzOptions& options)
    : n_(shape.n), operators_(std::move(operators)), T_(make_fast_operator<Real>(shape.n, options)) {
  ParameterLayout own;  // coefficients stand as in the model's operator
  T_->declare(own);
  coefficients_ = Vector<Real>("spnode::core::FastLinearPart", T_->coefficient_count());
}

template <class Real>
void FastLinearPart<Real>::assemble_vjp(std::span<const double> bar, std::span<double> A_bar) {
  for (std::size_t i = 0; i < bar.size(); ++i) A_bar[i] += bar[i];
}

template <class Real>
void FastLinearPart<Real>::assemble_jvp(std::span<const double> A_dot, std::span<double> dot) {
  std::ranges::copy(A_dot, dot.begin());
}

template <class Real>
typename FastLinearPart<Real>::AtPoint FastLinearPart<Real>::matrix_at(const ExecSpace& space,
                                                                       const Point<Real>& at,
                                                                       Scratch<Real>& scratch) const {
  const AtPoint matrix{zeros(space, T_->outputs(), at.lanes(), scratch),
                       scratch.matrix(T_->tape_rows(), at.lanes())};
  T_->apply(space, {coefficients_, slow(at.u), matrix.T, matrix.tape}, scratch);
  return matrix;
}

template <class Real>
void FastLinearPart<Real>::matrix_vjp(const ExecSpace& space, const Point<Real>& at,
                                      ConstMatrixView<Real> tape, ConstMatrixView<Real> T_bar,
                                      MatrixView<Real> at_bar, VectorView<Real> bar,
                                      Scratch<Real>& scratch) const {
  T_->apply_vjp(space, {coefficients_, slow(at.u), tape, T_bar, slow(at_bar), bar}, scratch);
}

template <class Real>
void FastLinearPart<Real>::apply(const ExecSpace& space, const Value& value, Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const OperatorSpec& spec = operators_[value.action.op];
  const ConstMatrixView<Real> X = value.X.block[0], T = matrix_at(space, value.action.at, scratch).T;
  if (spec.kind == Kind::generator) {
    fill(space, 0.0, value.out);
    return add_lane_product(space, T, fast(X), fast(value.out));
  }
  scaled_copy(space, 1.0, slow(X), slow(value.out));
  if (spec.kind == Kind::resolvent)
    return solve_lanes(space, system(value.action, T), Transpose::no, fast(X), fast(value.out), scratch);
  const Sources<Real> w = sources(space, spec, value.X, scratch);
  const ConstVectorView<Real> h = value.action.steps.h;
  LaneExponential<Real> exponential{T, h, spec.c, fast(X)};
  exponential.terms = spec.terms();
  for (std::size_t k = 1; k <= spec.terms(); ++k) {
    exponential.w[k - 1] = fast(w[k - 1]);
    add_times_step<Real>(space, over_factorial(k), h, slow(w[k - 1]), slow(value.out), scratch);
  }
  exponential.apply(space, fast(value.out), scratch);
}

/// Shifted inverse: with w = R r and s = R^T w_bar, r_bar += s and T_bar += c h s w^T.
template <class Real>
void FastLinearPart<Real>::apply_vjp(const ExecSpace& space, const Reverse& reverse,
                                     Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const auto& [op, steps, at] = reverse.action;
  const OperatorSpec& spec = operators_[op];
  const std::size_t lanes = reverse.out_bar.extent(1);
  const ConstMatrixView<Real> X = reverse.X.block[0], out_bar = reverse.out_bar;
  const MatrixView<Real> X_bar = reverse.X_bar.block[0];
  const auto [T, tape] = matrix_at(space, at, scratch);
  const MatrixView<Real> T_bar = zeros(space, T_->outputs(), lanes, scratch);
  if (spec.kind == Kind::generator) {
    add_lane_outer(space, fast(out_bar), fast(X), T_bar);
    add_lane_product_transposed(space, T, fast(out_bar), fast(X_bar));
    return matrix_vjp(space, at, tape, T_bar, reverse.at_bar, reverse.bar, scratch);
  }
  axpy(space, 1.0, slow(out_bar), slow(X_bar));
  if (spec.kind == Kind::resolvent) {
    const MatrixView<Real> w = scratch.matrix(T_->fast(), lanes), s = scratch.matrix(T_->fast(), lanes),
                           tau_s = zeros(space, T_->fast(), lanes, scratch);
    solve_lanes(space, system(reverse.action, T), Transpose::no, fast(X), w, scratch);
    solve_lanes(space, system(reverse.action, T), Transpose::yes, fast(out_bar), s, scratch);
    axpy(space, 1.0, s, fast(X_bar));
    add_times_step<Real>(space, spec.c, steps.h, s, tau_s, scratch);
    add_lane_outer(space, tau_s, w, T_bar);
    return matrix_vjp(space, at, tape, T_bar, reverse.at_bar, reverse.bar, scratch);
  }
  const Sources<Real> w = sources(space, spec, reverse.X, scratch);
  LaneExponential<Real> exponential{T, steps.h, spec.c, fast(X)};
  exponential.terms = spec.terms();
  typename LaneExponential<Real>::Bars bars{T_bar, fast(X_bar)};
  Sources<Real> w_bar;
  for (std::size_t k = 1; k <= spec.terms(); ++k) {
    w_bar[k - 1] = zeros(space, n_, lanes, scratch);
    exponential.w[k - 1] = fast(w[k - 1]);
    bars.w[k - 1] = fast(w_bar[k - 1]);
    add_times_step<Real>(space, over_factorial(k), steps.h, slow(out_bar), slow(w_bar[k - 1]), scratch);
  }
  exponential.apply_vjp(space, fast(out_bar), bars, scratch);
  for (std::size_t k = 0; k < spec.terms(); ++k)
    for (std::size_t j = 0; j < spec.evaluations(); ++j)
      if (spec.weight[k][j] != 0.0) axpy(space, spec.weight[k][j], w_bar[k], reverse.X_bar.block[1 + j]);
  matrix_vjp(space, at, tape, T_bar, reverse.at_bar, reverse.bar, scratch);
}

/// Shifted inverse: with w = R r, w_dot = R (r_dot + c h T_dot w).
template <class Real>
void FastLinearPart<Real>::apply_jvp(const ExecSpace& space, const Tangent& tangent,
                                     Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const auto& [op, steps, at] = tangent.action;
  const OperatorSpec& spec = operators_[op];
  const std::size_t lanes = tangent.out_dot.extent(1);
  const ConstMatrixView<Real> X = tangent.X.block[0], X_dot = tangent.X_dot.block[0];
  const auto [T, tape] = matrix_at(space, at, scratch);
  const MatrixView<Real> T_dot = zeros(space, T_->outputs(), lanes, scratch);
  T_->apply_jvp(space, {coefficients_, tangent.dot, slow(at.u), slow(tangent.at_dot), tape, T_dot}, scratch);
  if (spec.kind == Kind::generator) {
    fill(space, 0.0, tangent.out_dot);
    add_lane_product(space, T_dot, fast(X), fast(tangent.out_dot));
    return add_lane_product(space, T, fast(X_dot), fast(tangent.out_dot));
  }
  scaled_copy(space, 1.0, slow(X_dot), slow(tangent.out_dot));
  if (spec.kind == Kind::resolvent) {
    const MatrixView<Real> w = scratch.matrix(T_->fast(), lanes), rhs = scratch.matrix(T_->fast(), lanes),
                           product = zeros(space, T_->fast(), lanes, scratch);
    solve_lanes(space, system(tangent.action, T), Transpose::no, fast(X), w, scratch);
    add_lane_product(space, T_dot, w, product);
    scaled_copy(space, 1.0, fast(X_dot), rhs);
    add_times_step<Real>(space, spec.c, steps.h, product, rhs, scratch);
    return solve_lanes(space, system(tangent.action, T), Transpose::no, rhs, fast(tangent.out_dot), scratch);
  }
  const Sources<Real> w = sources(space, spec, tangent.X, scratch),
                      w_dot = sources(space, spec, tangent.X_dot, scratch);
  LaneExponential<Real> exponential{T, steps.h, spec.c, fast(X)};
  exponential.terms = spec.terms();
  typename LaneExponential<Real>::Dots dots{T_dot, fast(X_dot)};
  for (std::size_t k = 1; k <= spec.terms(); ++k) {
    exponential.w[k - 1] = fast(w[k - 1]);
    dots.w[k - 1] = fast(w_dot[k - 1]);
    add_times_step<Real>(space, over_factorial(k), steps.h, slow(w_dot[k - 1]), slow(tangent.out_dot),
                         scratch);
  }
  exponential.apply_jvp(space, dots, fast(tangent.out_dot), scratch);
}

// out_dot = T X_dot + T_dot X.
template <class Real>
void FastLinearPart<Real>::apply_jvp_vjp(const ExecSpace& space, const TangentReverse& reverse,
                                         Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const Point<Real>& at = reverse.action.at;
  const std::size_t lanes = at.lanes(), rows = T_->outputs();
  const ConstMatrixView<Real> bar = fast(reverse.out_dot_bar);
  const auto [T, tape] = matrix_at(space, at, scratch);
  const MatrixView<Real> T_dot = zeros(space, rows, lanes, scratch),
                         T_bar = zeros(space, rows, lanes, scratch),
                         T_dot_bar = zeros(space, rows, lanes, scratch);
  T_->apply_jvp(space, {coefficients_, {}, slow(at.u), slow(reverse.at_dot), tape, T_dot}, scratch);
  add_lane_outer(space, bar, fast(reverse.X_dot), T_bar);
  add_lane_outer(space, bar, fast(reverse.X), T_dot_bar);
  add_lane_product_transposed(space, T, bar, fast(reverse.X_dot_bar));
  add_lane_product_transposed(space, T_dot, bar, fast(reverse.X_bar));
  T_->apply_jvp_vjp(space,
                    {coefficients_, slow(at.u), slow(reverse.at_dot), tape, T_dot_bar, slow(reverse.at_bar),
                     slow(reverse.at_dot_bar), reverse.bar},
                    scratch);
  matrix_vjp(space, at, tape, T_bar, reverse.at_bar, reverse.bar, scratch);
}

template <class Real>
void FastLinearPart<Real>::apply_jvp_jvp(const ExecSpace& space, const TangentTangent& tangent,
                                         Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const Point<Real>& at = tangent.action.at;
  const std::size_t lanes = at.lanes(), rows = T_->outputs();
  const ConstMatrixView<Real> tape = matrix_at(space, at, scratch).tape,
                              resting = zeros(space, T_->slow(), lanes, scratch);
  const MatrixView<Real> along = zeros(space, rows, lanes, scratch),
                         both = zeros(space, rows, lanes, scratch);
  T_->apply_jvp(space, {coefficients_, tangent.dot, slow(at.u), resting, tape, along}, scratch);
  T_->apply_jvp_jvp(space, {coefficients_, tangent.dot, slow(at.u), slow(tangent.at_dot), tape, both},
                    scratch);
  fill(space, 0.0, tangent.out_dot_dot);
  add_lane_product(space, along, fast(tangent.X_dot), fast(tangent.out_dot_dot));
  add_lane_product(space, both, fast(tangent.X), fast(tangent.out_dot_dot));
}

template class FastLinearPart<double>;
template class FastLinearPart<float>;

}  // namespace spnode::core

#include "core/linear/dense/dense_linear_part.hpp"

#include "core/kernels/elementwise.hpp"
#include "core/linear/dense/dense_functions.hpp"
#include "core/linear/dense/lane_matrices.hpp"
#include "core/linear/exponential_terms.hpp"

#include <algorithm>

namespace spnode::core {
namespace {

using Kind = OperatorSpec::Kind;

Argument argument_of(const OperatorSpec& spec) { return spec.c == 1.0 ? Argument::full : Argument::half; }

}  // namespace

template <class Real>
DenseLinearPart<Real>::DenseLinearPart(SplitShape shape, std::vector<OperatorSpec> operators,
                                       const std::vector<double>& steps)
    : shape_(shape),
      operators_(std::move(operators)),
      functions_(std::make_unique<DenseFunctions>(shape_, operators_)),
      A_(shape.n * shape.n) {
  for (const OperatorSpec& spec : operators_) {
    offsets_.push_back(per_step_);
    per_step_ += shape_.n * columns(spec);
  }
  take_steps(steps);
}

template <class Real>
DenseLinearPart<Real>::~DenseLinearPart() = default;

template <class Real>
std::size_t DenseLinearPart<Real>::columns(const OperatorSpec& spec) const {
  return spec.kind == Kind::exponential ? shape_.n + spec.evaluations() * shape_.rows() : shape_.n;
}

template <class Real>
void DenseLinearPart<Real>::take_steps(const std::vector<double>& steps) {
  steps_ = steps;
  functions_->set_steps(steps_);
  if (coefficients_.extent(0) < coefficient_count())
    coefficients_ = Vector<Real>("spnode::core::DenseLinearPart", coefficient_count());
}

template <class Real>
void DenseLinearPart<Real>::write(const OperatorSpec& spec, double h, Real* matrix) {
  const std::size_t n = shape_.n, width = columns(spec);
  sum_.assign(n * width, 0.0);
  const auto add = [&](std::size_t column, double factor, std::span<const double> block, double diagonal) {
    for (std::size_t i = 0; i < n; ++i) {
      double* const row = sum_.data() + i * width + column;
      for (std::size_t j = 0; j < n; ++j) row[j] += factor * block[i * n + j];
      row[i] += diagonal;
    }
  };
  if (spec.kind == Kind::generator) {
    add(0, 1.0, A_, 0.0);
  } else if (spec.kind == Kind::resolvent) {
    add(0, 1.0, functions_->resolvent(spec.c), 0.0);
  } else {
    const Argument argument = argument_of(spec);
    for_each_exponential_term(shape_, spec, h,
                              [&](std::size_t group, std::size_t index, double factor, double identity) {
                                add(group * n, factor, functions_->phi(index, argument), identity);
                              });
  }
  for (std::size_t i = 0; i < sum_.size(); ++i) matrix[i] = Real(sum_[i]);
}

template <class Real>
void DenseLinearPart<Real>::read_bar(const OperatorSpec& spec, double h, const double* bar,
                                     std::span<double> A_bar) {
  const std::size_t n = shape_.n, width = columns(spec);
  const auto add = [&](std::size_t column, double factor, std::span<double> to) {
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) to[i * n + j] += factor * bar[i * width + column + j];
  };
  if (spec.kind == Kind::generator) return add(0, 1.0, A_bar);
  if (spec.kind == Kind::resolvent) return add(0, 1.0, functions_->resolvent_bar(spec.c));
  const Argument argument = argument_of(spec);
  for_each_exponential_term(shape_, spec, h,
                            [&](std::size_t group, std::size_t index, double factor, double) {
                              add(group * n, factor, functions_->phi_bar(index, argument));
                            });
}

template <class Real>
void DenseLinearPart<Real>::assemble(std::span<const double> A) {
  std::ranges::copy(A, A_.begin());
  functions_->set_matrix(A_);
  write_all();
}

template <class Real>
void DenseLinearPart<Real>::set_steps(const std::vector<double>& steps) {
  take_steps(steps);
  write_all();
}

template <class Real>
void DenseLinearPart<Real>::write_all() {
  const auto host = Kokkos::create_mirror_view(coefficients_);
  for (std::size_t step = 0; step < steps_.size(); ++step) {
    functions_->select(step);
    for (std::size_t op = 0; op < operators_.size(); ++op)
      write(operators_[op], steps_[step], host.data() + offset(op, step));
  }
  update_from(coefficients_, host);
}

template <class Real>
void DenseLinearPart<Real>::assemble_vjp(std::span<const double> bar, std::span<double> A_bar) {
  for (std::size_t step = 0; step < steps_.size(); ++step) {
    functions_->select(step);
    functions_->clear_bars();
    for (std::size_t op = 0; op < operators_.size(); ++op)
      read_bar(operators_[op], steps_[step], bar.data() + offset(op, step), A_bar);
    functions_->vjp(A_bar);
  }
}

template <class Real>
void DenseLinearPart<Real>::write_dot(const OperatorSpec& spec, double h, std::span<const double> A_dot,
                                      double* matrix) const {
  const std::size_t n = shape_.n, width = columns(spec);
  const auto add = [&](std::size_t column, double factor, std::span<const double> block) {
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) matrix[i * width + column + j] += factor * block[i * n + j];
  };
  if (spec.kind == Kind::generator) return add(0, 1.0, A_dot);
  if (spec.kind == Kind::resolvent) return add(0, 1.0, functions_->resolvent_tangent(spec.c));
  const Argument argument = argument_of(spec);
  for_each_exponential_term(shape_, spec, h,
                            [&](std::size_t group, std::size_t index, double factor, double) {
                              add(group * n, factor, functions_->phi_tangent(index, argument));
                            });
}

template <class Real>
void DenseLinearPart<Real>::assemble_jvp(std::span<const double> A_dot, std::span<double> dot) {
  std::ranges::fill(dot, 0.0);
  for (std::size_t step = 0; step < steps_.size(); ++step) {
    functions_->select(step);
    functions_->jvp(A_dot);
    for (std::size_t op = 0; op < operators_.size(); ++op)
      write_dot(operators_[op], steps_[step], A_dot, dot.data() + offset(op, step));
  }
}

template <class Real>
void DenseLinearPart<Real>::apply(const ExecSpace& space, const Value& value, Scratch<Real>& scratch) const {
  const auto& [op, steps, at] = value.action;
  const LaneMatrices<Real> M{coefficients_.data(), per_step_, offsets_[op], shape_.n,
                             columns(operators_[op])};
  if (!steps.uniform) return apply_per_lane<Real>(space, M, steps, value.X, value.out, scratch);
  gemm<Real>(space, 1.0, M.of(steps.first), Transpose::no, value.X, 0.0, value.out);
}

template <class Real>
void DenseLinearPart<Real>::apply_vjp(const ExecSpace& space, const Reverse& reverse,
                                      Scratch<Real>& scratch) const {
  const auto& [op, steps, at] = reverse.action;
  const LaneMatrices<Real> M{coefficients_.data(), per_step_, offsets_[op], shape_.n,
                             columns(operators_[op])};
  if (!steps.uniform) return apply_per_lane_vjp<Real>(space, M, steps, reverse, scratch);
  std::size_t column = 0;
  for (std::size_t i = 0; i < reverse.X_bar.count; ++i) {
    const MatrixView<Real>& x_bar = reverse.X_bar.block[i];
    gemm<Real>(space, 1.0, lanes_of(M.of(steps.first), column, x_bar.extent(0)), Transpose::yes,
               reverse.out_bar, 1.0, x_bar);
    column += x_bar.extent(0);
  }
  gemm_nt<Real>(space, 1.0, reverse.out_bar, reverse.X,
                MatrixView<Real>(reverse.bar.data() + offset(op, steps.first), M.n, M.columns));
}

template <class Real>
void DenseLinearPart<Real>::apply_jvp(const ExecSpace& space, const Tangent& tangent,
                                      Scratch<Real>& scratch) const {
  const auto& [op, steps, at] = tangent.action;
  const LaneMatrices<Real> M{coefficients_.data(), per_step_, offsets_[op], shape_.n,
                             columns(operators_[op])};
  LaneMatrices<Real> M_dot = M;
  M_dot.data = tangent.dot.data();
  if (steps.uniform) {
    gemm<Real>(space, 1.0, M.of(steps.first), Transpose::no, tangent.X_dot, 0.0, tangent.out_dot);
    return gemm<Real>(space, 1.0, M_dot.of(steps.first), Transpose::no, tangent.X, 1.0, tangent.out_dot);
  }
  const ScratchFrame frame(scratch);
  const MatrixView<Real> rest = scratch.matrix(M.n, tangent.out_dot.extent(1));
  apply_per_lane<Real>(space, M, steps, tangent.X_dot, tangent.out_dot, scratch);
  apply_per_lane<Real>(space, M_dot, steps, tangent.X, rest, scratch);
  axpy(space, 1.0, rest, tangent.out_dot);
}

template class DenseLinearPart<double>;
template class DenseLinearPart<float>;

}  // namespace spnode::core

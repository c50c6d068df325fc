#include "core/error.hpp"
#include "core/functions/phi.hpp"
#include "core/functions/resolvent.hpp"
#include "core/integrators/exponential_terms.hpp"
#include "core/integrators/lane_matrices.hpp"
#include "core/kernels/elementwise.hpp"

#include <algorithm>
#include <optional>
#include <string>

namespace spnode::core {
namespace {

using Kind = OperatorSpec::Kind;

Argument argument_of(const OperatorSpec& spec) { return spec.c == 1.0 ? Argument::full : Argument::half; }

HalfArgument halves_of(const std::vector<OperatorSpec>& operators) {
  for (const OperatorSpec& spec : operators) {
    if (spec.kind != Kind::exponential) continue;
    if (spec.c == 0.5) return HalfArgument::include;
    if (spec.c != 1.0)
      throw UsageError("exponential stages at c = " + std::to_string(spec.c) + " are not supported");
  }
  return HalfArgument::omit;
}

}  // namespace

std::size_t highest_phi(const RateShape& shape, const std::vector<OperatorSpec>& operators) {
  std::size_t highest = 0;
  for (const OperatorSpec& spec : operators)
    if (spec.kind == Kind::exponential && spec.terms() > 0)
      highest = std::max(highest, shape.has_plain ? spec.terms() : spec.terms() - 1);
  return highest;
}

template <class Real>
struct DenseLinearPart<Real>::Functions {
  Functions(const RateShape& shape, const std::vector<OperatorSpec>& operators)
      : phi(shape.n, highest_phi(shape, operators), halves_of(operators)) {
    for (const OperatorSpec& spec : operators) {
      if (spec.kind == Kind::exponential) has_exponentials = true;
      if (spec.kind == Kind::resolvent) resolvents.emplace_back(spec.c, Resolvent(shape.n));
    }
  }
  Resolvent& resolvent(double c) {
    return std::ranges::find_if(resolvents, [c](const auto& entry) { return entry.first == c; })->second;
  }

  PhiFunctions phi;
  std::vector<std::pair<double, Resolvent>> resolvents;
  bool has_exponentials = false;
  std::optional<std::size_t> evaluated;  // the step whose values are held now
};

template <class Real>
DenseLinearPart<Real>::DenseLinearPart(RateShape shape, std::vector<OperatorSpec> operators,
                                       std::vector<double> steps)
    : shape_(shape),
      operators_(std::move(operators)),
      steps_(std::move(steps)),
      functions_(std::make_unique<Functions>(shape_, operators_)),
      A_(shape.n * shape.n) {
  for (const OperatorSpec& spec : operators_) {
    offsets_.push_back(per_step_);
    per_step_ += shape_.n * columns(spec);
  }
  kappa_ = Vector<Real>("spnode::core::DenseLinearPart", per_step_ * steps_.size());
}

template <class Real>
DenseLinearPart<Real>::~DenseLinearPart() = default;

template <class Real>
std::size_t DenseLinearPart<Real>::columns(const OperatorSpec& spec) const {
  return spec.kind == Kind::exponential ? shape_.n + spec.rates() * shape_.rows() : shape_.n;
}

template <class Real>
void DenseLinearPart<Real>::evaluate(std::size_t step) {
  if (functions_->evaluated == step) return;
  if (functions_->has_exponentials) functions_->phi.compute(A_, steps_[step]);
  for (auto& [c, resolvent] : functions_->resolvents) resolvent.compute(A_, c * steps_[step]);
  functions_->evaluated = step;
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
    add(0, 1.0, functions_->resolvent(spec.c).value(), 0.0);
  } else {
    const Argument argument = argument_of(spec);
    for_each_exponential_term(shape_, spec, h,
                              [&](std::size_t group, std::size_t index, double factor, double identity) {
                                add(group * n, factor, functions_->phi.value(index, argument), identity);
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
  if (spec.kind == Kind::resolvent) return add(0, 1.0, functions_->resolvent(spec.c).bar());
  const Argument argument = argument_of(spec);
  for_each_exponential_term(shape_, spec, h,
                            [&](std::size_t group, std::size_t index, double factor, double) {
                              add(group * n, factor, functions_->phi.bar(index, argument));
                            });
}

template <class Real>
void DenseLinearPart<Real>::realise(std::span<const double> A) {
  std::ranges::copy(A, A_.begin());
  functions_->evaluated.reset();
  const auto host = Kokkos::create_mirror_view(kappa_);
  for (std::size_t step = 0; step < steps_.size(); ++step) {
    evaluate(step);
    for (std::size_t op = 0; op < operators_.size(); ++op)
      write(operators_[op], steps_[step], host.data() + offset(op, step));
  }
  update_from(kappa_, host);
}

template <class Real>
void DenseLinearPart<Real>::realise_vjp(std::span<const double> bar, std::span<double> A_bar) {
  for (std::size_t step = 0; step < steps_.size(); ++step) {
    evaluate(step);
    functions_->phi.clear_bars();
    for (auto& entry : functions_->resolvents) entry.second.clear_bar();
    for (std::size_t op = 0; op < operators_.size(); ++op)
      read_bar(operators_[op], steps_[step], bar.data() + offset(op, step), A_bar);
    if (functions_->has_exponentials) functions_->phi.vjp(A_bar);
    for (auto& entry : functions_->resolvents) entry.second.vjp(A_bar);
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
  if (spec.kind == Kind::resolvent) return add(0, 1.0, functions_->resolvent(spec.c).tangent());
  const Argument argument = argument_of(spec);
  for_each_exponential_term(shape_, spec, h,
                            [&](std::size_t group, std::size_t index, double factor, double) {
                              add(group * n, factor, functions_->phi.tangent(index, argument));
                            });
}

template <class Real>
void DenseLinearPart<Real>::realise_jvp(std::span<const double> A_dot, std::span<double> dot) {
  std::ranges::fill(dot, 0.0);
  for (std::size_t step = 0; step < steps_.size(); ++step) {
    evaluate(step);
    if (functions_->has_exponentials) functions_->phi.jvp(A_dot);
    for (auto& entry : functions_->resolvents) entry.second.jvp(A_dot);
    for (std::size_t op = 0; op < operators_.size(); ++op)
      write_dot(operators_[op], steps_[step], A_dot, dot.data() + offset(op, step));
  }
}

template <class Real>
void DenseLinearPart<Real>::apply(const ExecSpace& space, std::size_t op, const StepLengths<Real>& steps,
                                  const ConstMatrixStack<Real>& X, MatrixView<Real> out,
                                  Scratch<Real>& scratch) const {
  const LaneMatrices<Real> M{kappa_.data(), per_step_, offsets_[op], shape_.n, columns(operators_[op])};
  if (!steps.uniform) return apply_per_lane<Real>(space, M, steps, X, out, scratch);
  gemm<Real>(space, 1.0, M.of(steps.first), Transpose::no, X, 0.0, out);
}

template <class Real>
void DenseLinearPart<Real>::apply_vjp(const ExecSpace& space, std::size_t op, const StepLengths<Real>& steps,
                                      const Reverse& reverse, Scratch<Real>& scratch) const {
  const LaneMatrices<Real> M{kappa_.data(), per_step_, offsets_[op], shape_.n, columns(operators_[op])};
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
void DenseLinearPart<Real>::apply_jvp(const ExecSpace& space, std::size_t op, const StepLengths<Real>& steps,
                                      const Tangent& tangent, Scratch<Real>& scratch) const {
  const LaneMatrices<Real> M{kappa_.data(), per_step_, offsets_[op], shape_.n, columns(operators_[op])};
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

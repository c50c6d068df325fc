#include "core/linear/dense/taylor_linear_part.hpp"

#include "core/kernels/elementwise.hpp"
#include "core/matrix_functions/expmv.hpp"

#include <algorithm>
#include <cmath>

namespace spnode::core {
namespace {

using Kind = OperatorSpec::Kind;

std::size_t most_terms(const std::vector<OperatorSpec>& operators) {
  std::size_t terms = 0;
  for (const OperatorSpec& spec : operators) terms = std::max(terms, spec.terms());
  return terms;
}

}  // namespace

template <class Real>
TaylorLinearPart<Real>::TaylorLinearPart(SplitShape shape, std::vector<OperatorSpec> operators,
                                         double largest_step, const LinearShape& matrix)
    : shape_(shape),
      operators_(std::move(operators)),
      largest_step_(largest_step),
      matrix_(matrix),
      A_(make_lane_operator<Real>(matrix)),
      plan_(matrix, most_terms(operators_)) {}

template <class Real>
void TaylorLinearPart<Real>::assemble(std::span<const double> A) {
  A_->update(A, 0.0);
  const bool exponentials = std::ranges::any_of(
      operators_, [](const OperatorSpec& spec) { return spec.kind == Kind::exponential; });
  if (exponentials) plan_.update(A, largest_step_);
}

template <class Real>
void TaylorLinearPart<Real>::assemble_vjp(std::span<const double> bar, std::span<double> A_bar) {
  for (std::size_t i = 0; i < bar.size(); ++i) A_bar[i] += bar[i];
}

template <class Real>
void TaylorLinearPart<Real>::assemble_jvp(std::span<const double> A_dot, std::span<double> dot) {
  std::ranges::copy(A_dot, dot.begin());
}

namespace {

// The sums of right-hand sides that an exponential operator acts on: w_k = sum_j weight_kj (g_j - A r_j).
template <class Real>
struct Sources {
  const ExecSpace& space;
  const OperatorSpec& spec;
  const SplitShape& shape;
  const LaneOperator<Real>& A;

  // visit(k, j, weight) for the weights that are not zero.
  template <class Visit>
  void for_each(Visit visit) const {
    for (std::size_t k = 0; k < spec.terms(); ++k)
      for (std::size_t j = 0; j < spec.evaluations(); ++j)
        if (spec.weight[k][j] != 0.0) visit(k, j, spec.weight[k][j]);
  }
  template <class View>
  View plain(const View& rate) const {
    return rows_of(rate, 0, shape.n);
  }
  template <class View>
  View relaxed(const View& rate) const {
    return rows_of(rate, shape.rows() - shape.n, shape.n);
  }

  ExpmvCall<Real> call(const StepLengths<Real>& steps, const ConstMatrixStack<Real>& X,
                       Scratch<Real>& scratch) const {
    ExpmvCall<Real> result;
    result.c = spec.c;
    result.steps = steps.h;
    result.u = X.block[0];
    result.terms = spec.terms();
    const MatrixView<Real> work = scratch.matrix(A.work_rows(), X.lanes());
    Kokkos::Array<MatrixView<Real>, most_phi_terms> w;
    for (std::size_t k = 0; k < spec.terms(); ++k) {
      w[k] = scratch.matrix(shape.n, X.lanes());
      fill(space, 0.0, w[k]);
      result.w[k] = w[k];
    }
    for_each([&](std::size_t k, std::size_t j, double weight) {
      const ConstMatrixView<Real>& rate = X.block[1 + j];
      if (shape.has_plain) axpy(space, weight, plain(rate), w[k]);
      if (shape.has_relaxed) A.apply(space, -weight, Transpose::no, relaxed(rate), 1.0, w[k], work);
    });
    return result;
  }

  // The tangents of the w_k.
  ExpmvTangent<Real> call_jvp(const typename LinearPart<Real>::Tangent& tangent,
                              Scratch<Real>& scratch) const {
    const std::size_t lanes = tangent.X.lanes();
    ExpmvTangent<Real> dots;
    dots.u = tangent.X_dot.block[0];
    dots.a = tangent.dot;
    const MatrixView<Real> work = scratch.matrix(A.work_rows(), lanes);
    const MatrixView<Real> dA_r = scratch.matrix(shape.has_relaxed ? shape.n : 0, lanes);
    Kokkos::Array<MatrixView<Real>, most_phi_terms> w;
    for (std::size_t k = 0; k < spec.terms(); ++k) {
      w[k] = scratch.matrix(shape.n, lanes);
      fill(space, 0.0, w[k]);
      dots.w[k] = w[k];
    }
    for_each([&](std::size_t k, std::size_t j, double weight) {
      const ConstMatrixView<Real>& rate_dot = tangent.X_dot.block[1 + j];
      if (shape.has_plain) axpy(space, weight, plain(rate_dot), w[k]);
      if (!shape.has_relaxed) return;
      A.apply(space, -weight, Transpose::no, relaxed(rate_dot), 1.0, w[k], work);
      fill(space, 0.0, dA_r);
      A.apply_jvp(space, tangent.dot, relaxed(tangent.X.block[1 + j]), dA_r, work);
      axpy(space, -weight, dA_r, w[k]);
    });
    return dots;
  }

  // The adjoints of the w_k to those of the right-hand sides and of A.
  void call_vjp(const ExpmvAdjoint<Real>& bars, const typename LinearPart<Real>::Reverse& reverse,
                Scratch<Real>& scratch) const {
    const std::size_t lanes = reverse.X.lanes();
    const MatrixView<Real> work = scratch.matrix(A.work_rows(), lanes);
    const MatrixView<Real> Ar_bar = scratch.matrix(shape.has_relaxed ? shape.n : 0, lanes);
    for_each([&](std::size_t k, std::size_t j, double weight) {
      const MatrixView<Real>& rate_bar = reverse.X_bar.block[1 + j];
      if (shape.has_plain) axpy(space, weight, bars.w[k], plain(rate_bar));
      if (!shape.has_relaxed) return;
      scaled_copy(space, -weight, bars.w[k], Ar_bar);
      A.apply(space, 1.0, Transpose::yes, Ar_bar, 1.0, relaxed(rate_bar), work);
      A.apply_vjp(space, relaxed(reverse.X.block[1 + j]), Ar_bar, bars.a, work);
    });
  }
};

}  // namespace

template <class Real>
void TaylorLinearPart<Real>::apply(const ExecSpace& space, const Value& value, Scratch<Real>& scratch) const {
  const auto& [op, steps, at] = value.action;
  const ScratchFrame frame(scratch);
  const OperatorSpec& spec = operators_[op];
  const LaneOperator<Real>& A = *A_;
  if (spec.kind == Kind::generator)
    return A.apply(space, 1.0, Transpose::no, value.X.block[0], 0.0, value.out,
                   scratch.matrix(A.work_rows(), value.X.lanes()));
  const ExpmvCall<Real> call = Sources<Real>{space, spec, shape_, A}.call(steps, value.X, scratch);
  Expmv<Real>(space, plan_, call, scratch).apply(value.out);
}

template <class Real>
void TaylorLinearPart<Real>::apply_vjp(const ExecSpace& space, const Reverse& reverse,
                                       Scratch<Real>& scratch) const {
  const auto& [op, steps, at] = reverse.action;
  const ScratchFrame frame(scratch);
  const std::size_t n = shape_.n, lanes = reverse.X.lanes();
  const LaneOperator<Real>& A = *A_;
  const OperatorSpec& spec = operators_[op];
  if (spec.kind == Kind::generator) {
    const MatrixView<Real> work = scratch.matrix(A.work_rows(), lanes);
    A.apply(space, 1.0, Transpose::yes, reverse.out_bar, 1.0, reverse.X_bar.block[0], work);
    return A.apply_vjp(space, reverse.X.block[0], reverse.out_bar, reverse.bar, work);
  }
  const Sources<Real> sources{space, spec, shape_, A};
  const ExpmvCall<Real> call = sources.call(steps, reverse.X, scratch);
  ExpmvAdjoint<Real> bars;
  bars.u = reverse.X_bar.block[0];
  bars.a = reverse.bar;
  for (std::size_t k = 0; k < spec.terms(); ++k) {
    bars.w[k] = scratch.matrix(n, lanes);
    fill(space, 0.0, bars.w[k]);
  }
  Expmv<Real>(space, plan_, call, scratch).vjp(reverse.out_bar, bars);
  sources.call_vjp(bars, reverse, scratch);
}

template <class Real>
void TaylorLinearPart<Real>::apply_jvp(const ExecSpace& space, const Tangent& tangent,
                                       Scratch<Real>& scratch) const {
  const auto& [op, steps, at] = tangent.action;
  const ScratchFrame frame(scratch);
  const std::size_t lanes = tangent.X.lanes();
  const LaneOperator<Real>& A = *A_;
  const OperatorSpec& spec = operators_[op];
  if (spec.kind == Kind::generator) {
    const MatrixView<Real> work = scratch.matrix(A.work_rows(), lanes);
    A.apply(space, 1.0, Transpose::no, tangent.X_dot.block[0], 0.0, tangent.out_dot, work);
    return A.apply_jvp(space, tangent.dot, tangent.X.block[0], tangent.out_dot, work);
  }
  const Sources<Real> sources{space, spec, shape_, A};
  const ExpmvCall<Real> call = sources.call(steps, tangent.X, scratch);
  const ExpmvTangent<Real> dots = sources.call_jvp(tangent, scratch);
  Expmv<Real>(space, plan_, call, scratch).jvp(dots, tangent.out_dot);
}

template class TaylorLinearPart<double>;
template class TaylorLinearPart<float>;

}  // namespace spnode::core

#include "core/error.hpp"
#include "core/functions/expmv.hpp"
#include "core/integrators/linear_part.hpp"
#include "core/kernels/elementwise.hpp"
#include "core/kernels/gemm.hpp"

#include <algorithm>
#include <array>
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
struct TaylorLinearPart<Real>::Plans {
  Plans(std::size_t n, std::size_t terms) : plan(n, terms) {}
  ExpmvPlan<Real> plan;
  // One set of work arrays, grown to the widest tile seen.
  std::unique_ptr<Expmv<Real>> method;
  std::size_t lanes = 0;

  Expmv<Real>& for_lanes(std::size_t wanted) {
    if (!method || wanted > lanes) {
      lanes = std::max(lanes, wanted);
      method = std::make_unique<Expmv<Real>>(plan.order(), plan.max_terms(), lanes);
      method->reserve(plan);
    }
    return *method;
  }
};

template <class Real>
TaylorLinearPart<Real>::TaylorLinearPart(RateShape shape, std::vector<OperatorSpec> operators,
                                         double largest_step)
    : shape_(shape),
      operators_(std::move(operators)),
      largest_step_(largest_step),
      plans_(std::make_unique<Plans>(shape.n, most_terms(operators_))),
      A_("spnode::core::TaylorLinearPart", shape.n, shape.n) {
  for (const OperatorSpec& spec : operators_)
    if (spec.kind == Kind::resolvent)
      throw UsageError("integrator.linear = taylor has no implicit stages; use dense with an IMEX scheme");
}

template <class Real>
TaylorLinearPart<Real>::~TaylorLinearPart() = default;

template <class Real>
void TaylorLinearPart<Real>::realise(std::span<const double> A) {
  upload(A, A_);
  plans_->plan.update(A, largest_step_);
  if (plans_->method) plans_->method->reserve(plans_->plan);
}

template <class Real>
void TaylorLinearPart<Real>::realise_vjp(std::span<const double> bar, std::span<double> A_bar) {
  for (std::size_t i = 0; i < bar.size(); ++i) A_bar[i] += bar[i];
}

namespace {

// What an exponential operator makes of the rates: w_k = sum_j weight_kj (g_j - A r_j).
template <class Real>
struct Sources {
  const ExecSpace& space;
  const OperatorSpec& spec;
  const RateShape& shape;
  ConstMatrixView<Real> A;

  // visit(k, j, weight) for the weights that are not zero.
  template <class Visit>
  void for_each(Visit visit) const {
    for (std::size_t k = 0; k < spec.terms(); ++k)
      for (std::size_t j = 0; j < spec.rates(); ++j)
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
    std::array<MatrixView<Real>, most_phi_terms> w;
    for (std::size_t k = 0; k < spec.terms(); ++k) {
      w[k] = scratch.matrix(shape.n, X.lanes());
      fill(space, 0.0, w[k]);
      result.w[k] = w[k];
    }
    for_each([&](std::size_t k, std::size_t j, double weight) {
      const ConstMatrixView<Real>& rate = X.block[1 + j];
      if (shape.has_plain) axpy(space, weight, plain(rate), w[k]);
      if (shape.has_relaxed) gemm(space, -weight, A, Transpose::no, relaxed(rate), 1.0, w[k]);
    });
    return result;
  }

  // The adjoints of the w_k to those of the rates and of A.
  void call_vjp(const ExpmvAdjoint<Real>& bars, const typename LinearPart<Real>::Reverse& reverse) const {
    for_each([&](std::size_t k, std::size_t j, double weight) {
      const MatrixView<Real>& rate_bar = reverse.X_bar.block[1 + j];
      if (shape.has_plain) axpy(space, weight, bars.w[k], plain(rate_bar));
      if (!shape.has_relaxed) return;
      gemm(space, -weight, A, Transpose::yes, bars.w[k], 1.0, relaxed(rate_bar));
      gemm_nt(space, -weight, bars.w[k], relaxed(reverse.X.block[1 + j]), bars.a);
    });
  }
};

}  // namespace

template <class Real>
void TaylorLinearPart<Real>::apply(const ExecSpace& space, std::size_t op, const StepLengths<Real>& steps,
                                   const ConstMatrixStack<Real>& X, MatrixView<Real> out,
                                   Scratch<Real>& scratch) const {
  const OperatorSpec& spec = operators_[op];
  if (spec.kind == Kind::generator) return gemm(space, 1.0, A_, Transpose::no, X, 0.0, out);
  const ScratchFrame frame(scratch);
  const ExpmvCall<Real> call = Sources<Real>{space, spec, shape_, A_}.call(steps, X, scratch);
  plans_->for_lanes(X.lanes()).apply(space, plans_->plan, call, out);
}

template <class Real>
void TaylorLinearPart<Real>::apply_vjp(const ExecSpace& space, std::size_t op, const StepLengths<Real>& steps,
                                       const Reverse& reverse, Scratch<Real>& scratch) const {
  const std::size_t n = shape_.n, lanes = reverse.X.lanes();
  const MatrixView<Real> A_bar(reverse.bar.data(), n, n);
  const OperatorSpec& spec = operators_[op];
  if (spec.kind == Kind::generator) {
    gemm(space, 1.0, A_, Transpose::yes, reverse.out_bar, 1.0, reverse.X_bar.block[0]);
    return gemm_nt(space, 1.0, reverse.out_bar, reverse.X, A_bar);
  }
  const ScratchFrame frame(scratch);
  const Sources<Real> sources{space, spec, shape_, A_};
  const ExpmvCall<Real> call = sources.call(steps, reverse.X, scratch);
  ExpmvAdjoint<Real> bars;
  bars.u = reverse.X_bar.block[0];
  bars.a = A_bar;
  for (std::size_t k = 0; k < spec.terms(); ++k) {
    bars.w[k] = scratch.matrix(n, lanes);
    fill(space, 0.0, bars.w[k]);
  }
  plans_->for_lanes(lanes).vjp(space, plans_->plan, call, reverse.out_bar, bars);
  sources.call_vjp(bars, reverse);
}

template class TaylorLinearPart<double>;
template class TaylorLinearPart<float>;

}  // namespace spnode::core

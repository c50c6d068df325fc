#include "core/error.hpp"
#include "core/functions/expmv.hpp"
#include "core/integrators/linear_part.hpp"
#include "core/kernels/elementwise.hpp"
#include "core/kernels/gemm.hpp"

#include <algorithm>
#include <cmath>

namespace spnode::core {
namespace {

using Kind = OperatorSpec::Kind;

std::size_t most_terms(const std::vector<OperatorSpec>& operators) {
  std::size_t terms = 0;
  for (const OperatorSpec& spec : operators) terms = std::max(terms, spec.terms);
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

// The call of an exponential operator on X = [u; w_1; ...]; terms in relaxation form enter as g - A r.
struct CallRows {
  const RateShape& shape;
  std::size_t plain(std::size_t k) const { return shape.n + k * shape.rows(); }
  std::size_t relaxed(std::size_t k) const { return plain(k) + (shape.has_plain ? shape.n : 0); }
};

template <class Real>
ExpmvCall<Real> make_call(const ExecSpace& space, const OperatorSpec& spec, const RateShape& shape,
                          const StepLengths<Real>& steps, ConstMatrixView<Real> X, ConstMatrixView<Real> A,
                          Scratch<Real>& scratch) {
  ExpmvCall<Real> call;
  call.c = spec.c;
  call.steps = steps.h;
  call.u = rows_of(X, 0, shape.n);
  call.terms = spec.terms;
  const CallRows at{shape};
  for (std::size_t k = 0; k < spec.terms; ++k) {
    if (!shape.has_relaxed) {
      call.w[k] = rows_of(X, at.plain(k), shape.n);
      continue;
    }
    const MatrixView<Real> w = scratch.matrix(shape.n, X.extent(1));
    gemm(space, -1.0, A, Transpose::no, rows_of(X, at.relaxed(k), shape.n), 0.0, w);
    if (shape.has_plain) axpy(space, 1.0, rows_of(X, at.plain(k), shape.n), w);
    call.w[k] = w;
  }
  return call;
}

}  // namespace

template <class Real>
void TaylorLinearPart<Real>::apply(const ExecSpace& space, std::size_t op, const StepLengths<Real>& steps,
                                   ConstMatrixView<Real> X, MatrixView<Real> out,
                                   Scratch<Real>& scratch) const {
  const OperatorSpec& spec = operators_[op];
  if (spec.kind == Kind::generator) return gemm(space, 1.0, A_, Transpose::no, X, 0.0, out);
  const ScratchFrame frame(scratch);
  const ExpmvCall<Real> call = make_call<Real>(space, spec, shape_, steps, X, A_, scratch);
  plans_->for_lanes(X.extent(1)).apply(space, plans_->plan, call, out);
}

template <class Real>
void TaylorLinearPart<Real>::apply_vjp(const ExecSpace& space, std::size_t op, const StepLengths<Real>& steps,
                                       const Reverse& reverse, Scratch<Real>& scratch) const {
  const std::size_t n = shape_.n, lanes = reverse.X.extent(1);
  const MatrixView<Real> A_bar(reverse.bar.data(), n, n);
  const OperatorSpec& spec = operators_[op];
  if (spec.kind == Kind::generator) {
    gemm(space, 1.0, A_, Transpose::yes, reverse.out_bar, 0.0, reverse.X_bar);
    return gemm_nt(space, 1.0, reverse.out_bar, reverse.X, A_bar);
  }
  const ScratchFrame frame(scratch);
  const ExpmvCall<Real> call = make_call<Real>(space, spec, shape_, steps, reverse.X, A_, scratch);
  fill(space, 0.0, reverse.X_bar);
  ExpmvAdjoint<Real> bars;
  bars.u = rows_of(reverse.X_bar, 0, n);
  bars.a = A_bar;
  const CallRows at{shape_};
  for (std::size_t k = 0; k < spec.terms; ++k) {
    bars.w[k] = shape_.has_relaxed ? scratch.matrix(n, lanes) : rows_of(reverse.X_bar, at.plain(k), n);
    if (shape_.has_relaxed) fill(space, 0.0, bars.w[k]);
  }
  plans_->for_lanes(lanes).vjp(space, plans_->plan, call, reverse.out_bar, bars);
  if (!shape_.has_relaxed) return;
  for (std::size_t k = 0; k < spec.terms; ++k) {
    gemm(space, -1.0, A_, Transpose::yes, bars.w[k], 1.0, rows_of(reverse.X_bar, at.relaxed(k), n));
    gemm_nt(space, -1.0, bars.w[k], rows_of(reverse.X, at.relaxed(k), n), A_bar);
    if (shape_.has_plain) axpy(space, 1.0, bars.w[k], rows_of(reverse.X_bar, at.plain(k), n));
  }
}

template class TaylorLinearPart<double>;
template class TaylorLinearPart<float>;

}  // namespace spnode::core

#include "core/dynamics.hpp"

#include "core/error.hpp"
#include "core/functions/linear_algebra.hpp"
#include "core/functions/taylor_degree.hpp"

#include <algorithm>
#include <cmath>

namespace spnode::core {

MatrixFunctionMethod choose_method(const IntegratorOptions& options, const RateShape& shape,
                                   const StepTable& table, std::span<const double> A,
                                   std::size_t lane_steps) {
  if (options.linear != MatrixFunctionMethod::automatic) return options.linear;
  double dense = 0.0, taylor = 0.0;
  std::vector<double> work(4 * shape.n);
  std::vector<int> sign(shape.n);
  const PowerNorms norms = power_norms(A, shape.n, work, sign);
  std::size_t most = 0;
  for (const OperatorSpec& spec : make_integrator<double>(options.scheme, shape)->operators()) {
    // Only exponentials exist in both ways.
    if (spec.kind != OperatorSpec::Kind::exponential) return MatrixFunctionMethod::dense;
    most = std::max(most, spec.terms());
    dense += double(lane_steps) * dense_lane_cost(shape.n, spec.terms());
    const TaylorDegree degree = choose_degree(norms, spec.c * table.largest(), spec.terms());
    taylor += double(lane_steps) * taylor_lane_cost(shape.n, spec.terms(), degree);
  }
  // With several steps the values of each are computed again for its adjoint: four products instead of three.
  const double again = table.steps().size() > 1 ? 4.0 / 3.0 : 1.0;
  for (const double h : table.steps())
    dense += again * dense_update_cost(shape.n, most, std::abs(h) * norms.alpha[1]);
  return dense <= taylor ? MatrixFunctionMethod::dense : MatrixFunctionMethod::taylor;
}

template <class Real>
Dynamics<Real>::Dynamics(const BasicModel<Real>& model, const IntegratorOptions& options, StepTable table,
                         MatrixFunctionMethod method)
    : model_(model),
      table_(std::move(table)),
      rate_(model.nonlinear()),
      integrator_(make_integrator<Real>(options.scheme, rate_.shape())),
      A_(model.linear().coefficient_count()),
      A_bar_(A_.size()),
      kappa_(model.nonlinear().coefficient_count()) {
  if (method == MatrixFunctionMethod::taylor)
    linear_ =
        std::make_unique<TaylorLinearPart<Real>>(rate_.shape(), integrator_->operators(), table_.largest());
  else
    linear_ =
        std::make_unique<DenseLinearPart<Real>>(rate_.shape(), integrator_->operators(), table_.steps());
}

template <class Real>
void Dynamics<Real>::set_parameters(std::span<const double> theta) {
  model_.linear().realise(theta, A_);
  for (const double entry : A_)
    if (!std::isfinite(entry)) throw NumericalError("the linear operator A_L is not finite");
  linear_->realise(A_);
  model_.nonlinear().realise(theta, kappa_);
  upload(kappa_, rate_.coefficients());
}

template <class Real>
void Dynamics<Real>::realise_vjp(std::span<const double> theta, std::span<const double> bar,
                                 std::span<double> theta_bar) {
  std::ranges::fill(A_bar_, 0.0);
  linear_->realise_vjp(bar.first(linear_->coefficient_count()), A_bar_);
  model_.linear().realise_vjp(theta, A_bar_, theta_bar);
  model_.nonlinear().realise_vjp(theta, bar.subspan(linear_->coefficient_count()), theta_bar);
}

template class Dynamics<double>;
template class Dynamics<float>;

}  // namespace spnode::core

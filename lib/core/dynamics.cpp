#include "core/dynamics.hpp"

#include "core/error.hpp"
#include "core/functions/taylor_degree.hpp"
#include "core/integrators/block_linear_part.hpp"
#include "core/integrators/low_rank_linear_part.hpp"
#include "core/integrators/taylor_linear_part.hpp"

#include <algorithm>
#include <cmath>

namespace spnode::core {
namespace {

/// Of structures other than dense, which have one method each.
MatrixFunctionMethod method_of(LinearStructure structure, MatrixFunctionMethod asked) {
  const bool blocks = structure == LinearStructure::block_diagonal;
  const MatrixFunctionMethod method = blocks ? MatrixFunctionMethod::dense : MatrixFunctionMethod::taylor;
  if (asked != MatrixFunctionMethod::automatic && asked != method)
    throw UsageError(
        blocks ? "integrator.linear: taylor does not go with model.linear.structure: block_diagonal, "
                 "whose functions have closed forms; leave it automatic"
               : "integrator.linear: dense does not go with model.linear.structure: low_rank, whose "
                 "functions are not low rank; leave it automatic");
  return method;
}

template <class Real>
std::unique_ptr<LinearPart<Real>> make_linear_part(const LinearShape& matrix, MatrixFunctionMethod method,
                                                   const RateShape& shape,
                                                   std::vector<OperatorSpec> operators,
                                                   const StepTable& table) {
  if (matrix.structure == LinearStructure::block_diagonal)
    return std::make_unique<BlockLinearPart<Real>>(shape, std::move(operators), table.steps(), matrix);
  if (matrix.structure == LinearStructure::low_rank)
    return std::make_unique<LowRankLinearPart<Real>>(shape, std::move(operators), table.steps(), matrix);
  if (method != MatrixFunctionMethod::taylor)
    return std::make_unique<DenseLinearPart<Real>>(shape, std::move(operators), table.steps());
  for (const OperatorSpec& spec : operators)
    if (spec.kind == OperatorSpec::Kind::resolvent)
      throw UsageError("integrator.linear = taylor has no implicit stages; use dense with an IMEX scheme");
  return std::make_unique<TaylorLinearPart<Real>>(shape, std::move(operators), table.largest(), matrix);
}

}  // namespace

MatrixFunctionMethod choose_method(const IntegratorOptions& options, const RateShape& shape,
                                   const StepTable& table, const StructuredMatrix& A,
                                   std::size_t lane_steps) {
  if (A.shape.structure != LinearStructure::dense) return method_of(A.shape.structure, options.linear);
  if (options.linear != MatrixFunctionMethod::automatic) return options.linear;
  double dense = 0.0, taylor = 0.0;
  const PowerNorms norms = power_norms(A, 0.0);
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
      linear_(make_linear_part<Real>(model.linear().shape(), method, rate_.shape(), integrator_->operators(),
                                     table_)),
      A_(model.linear().coefficient_count()),
      A_other_(A_.size()),
      kappa_(model.nonlinear().coefficient_count()) {}

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
  std::ranges::fill(A_other_, 0.0);
  linear_->realise_vjp(bar.first(linear_->coefficient_count()), A_other_);
  model_.linear().realise_vjp(theta, A_other_, theta_bar);
  model_.nonlinear().realise_vjp(theta, bar.subspan(linear_->coefficient_count()), theta_bar);
}

template <class Real>
void Dynamics<Real>::realise_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                                 std::span<double> dot) {
  const std::size_t linear = linear_->coefficient_count();
  model_.linear().realise_jvp(theta, theta_dot, A_other_);
  // Most unit vectors leave A as it is, and the derivatives of its functions are what costs.
  if (std::ranges::all_of(A_other_, [](double entry) { return entry == 0.0; }))
    std::ranges::fill(dot.first(linear), 0.0);
  else
    linear_->realise_jvp(A_other_, dot.first(linear));
  model_.nonlinear().realise_jvp(theta, theta_dot, dot.subspan(linear));
}

template class Dynamics<double>;
template class Dynamics<float>;

}  // namespace spnode::core

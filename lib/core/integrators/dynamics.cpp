#include "core/integrators/dynamics.hpp"

#include "core/linear/block_diagonal/block_linear_part.hpp"
#include "core/linear/dense/tabulated_linear_part.hpp"
#include "core/linear/dense/taylor_linear_part.hpp"
#include "core/linear/low_rank/low_rank_linear_part.hpp"
#include "core/matrix_functions/taylor_degree.hpp"
#include "core/support/error.hpp"

#include <algorithm>
#include <cmath>

namespace spnode::core {
namespace {

/// Of structures other than dense, which have one method each.
MatrixFunctionMethod method_of(LinearStructure structure, MatrixFunctionMethod asked) {
  const bool blocks = structure == LinearStructure::block_diagonal;
  const MatrixFunctionMethod method = blocks ? MatrixFunctionMethod::dense : MatrixFunctionMethod::taylor;
  if (asked != MatrixFunctionMethod::automatic && asked != method)
    throw OptionError({"linear"}, blocks
                                      ? "is taylor, but a block diagonal A_L has functions in closed form; "
                                        "leave it automatic"
                                      : "is dense, but the functions of a low rank A_L are not low rank; "
                                        "leave it automatic");
  return method;
}

template <class Real>
std::unique_ptr<LinearPart<Real>> make_linear_part(const LinearShape& matrix, MatrixFunctionMethod method,
                                                   const RateShape& shape,
                                                   std::vector<OperatorSpec> operators,
                                                   const StepTable& table, StepScope scope) {
  const bool own = scope == StepScope::tile;  // step lengths follow, tile by tile
  const std::vector<double> steps = own ? std::vector<double>() : table.steps();
  if (matrix.structure == LinearStructure::block_diagonal)
    return std::make_unique<BlockLinearPart<Real>>(shape, std::move(operators), steps, matrix);
  if (matrix.structure == LinearStructure::low_rank)
    return std::make_unique<LowRankLinearPart<Real>>(shape, std::move(operators), table.steps(), matrix);
  if (method != MatrixFunctionMethod::taylor) {
    if (own && TabulatedLinearPart<Real>::takes(operators, table, shape.n))
      return std::make_unique<TabulatedLinearPart<Real>>(shape, std::move(operators));
    return std::make_unique<DenseLinearPart<Real>>(shape, std::move(operators), steps);
  }
  for (const OperatorSpec& spec : operators)
    if (spec.kind == OperatorSpec::Kind::resolvent)
      throw OptionError({"linear", "scheme"},
                        "= taylor has no implicit stages; use dense with an IMEX scheme");
  return std::make_unique<TaylorLinearPart<Real>>(shape, std::move(operators), table.largest(), matrix);
}

}  // namespace

StepScope choose_scope(const StepTable& table, std::size_t tile_intervals, std::size_t batch_intervals) {
  const std::size_t all = table.steps().size();
  return all > tile_intervals && all >= batch_intervals ? StepScope::tile : StepScope::table;
}

namespace {

/// Operations for the dense operators of one update, by the norm of A.
double dense_cost(const std::vector<OperatorSpec>& operators, const RateShape& shape, const StepTable& table,
                  double norm, std::size_t lane_steps) {
  double cost = 0.0;
  std::size_t most = 0;
  for (const OperatorSpec& spec : operators) {
    most = std::max(most, spec.terms());
    cost += double(lane_steps) * dense_lane_cost(shape.n, spec.terms());
  }
  for (const double h : table.steps()) cost += dense_update_cost(shape.n, most, std::abs(h) * norm);
  return cost;
}

/// The same where lanes have step lengths of their own: the mean over the table.
double tabulated_cost(const std::vector<OperatorSpec>& operators, const RateShape& shape,
                      const StepTable& table, double norm, std::size_t lane_steps) {
  double cost = 0.0;
  for (const OperatorSpec& spec : operators)
    for (const double h : table.steps())
      cost += tabulated_lane_cost(shape.n, spec.terms(), spec.c * std::abs(h) * norm);
  return double(lane_steps) / double(table.steps().size()) * cost;
}

}  // namespace

MatrixFunctionMethod choose_method(const IntegratorOptions& options, const RateShape& shape,
                                   const StepTable& table, const StructuredMatrix& A,
                                   std::size_t lane_steps) {
  if (A.shape.structure != LinearStructure::dense) return method_of(A.shape.structure, options.linear);
  if (options.linear != MatrixFunctionMethod::automatic) return options.linear;
  const auto operators = make_integrator<double>(options.scheme, shape)->operators();
  const PowerNorms norms = power_norms(A, 0.0);
  double taylor = 0.0;
  for (const OperatorSpec& spec : operators) {
    // Only exponentials exist in both ways.
    if (spec.kind != OperatorSpec::Kind::exponential) return MatrixFunctionMethod::dense;
    const TaylorDegree degree = choose_degree(norms, spec.c * table.largest(), spec.terms());
    taylor += double(lane_steps) * taylor_lane_cost(shape.n, spec.terms(), degree);
  }
  const std::size_t intervals = lane_steps / options.substeps;
  const bool own = choose_scope(table, 1, intervals) == StepScope::tile &&
                   TabulatedLinearPart<double>::takes(operators, table, shape.n);
  const double dense =
      (own ? tabulated_cost : dense_cost)(operators, shape, table, norms.alpha[1], lane_steps);
  return dense <= taylor ? MatrixFunctionMethod::dense : MatrixFunctionMethod::taylor;
}

template <class Real>
Dynamics<Real>::Dynamics(const BasicModel<Real>& model, const IntegratorOptions& options, StepTable table,
                         MatrixFunctionMethod method, StepScope scope)
    : model_(model),
      table_(std::move(table)),
      // Of the Taylor method the coefficients are those of A, whatever the steps are.
      scope_(method == MatrixFunctionMethod::taylor &&
                     model.linear().shape().structure == LinearStructure::dense
                 ? StepScope::table
                 : scope),
      rate_(model.nonlinear()),
      integrator_(make_integrator<Real>(options.scheme, rate_.shape())),
      linear_(make_linear_part<Real>(model.linear().shape(), method, rate_.shape(), integrator_->operators(),
                                     table_, scope_)),
      A_(model.linear().coefficient_count()),
      A_other_(A_.size()),
      kappa_(model.nonlinear().coefficient_count()) {}

template <class Real>
void Dynamics<Real>::set_parameters(std::span<const double> theta) {
  model_.linear().assemble(theta, A_);
  for (const double entry : A_)
    if (!std::isfinite(entry)) throw NumericalError("the linear operator A_L is not finite");
  if (scope_ == StepScope::tile) linear_->set_steps({});  // none of this theta yet
  linear_->assemble(A_);
  model_.nonlinear().assemble(theta, kappa_);
  upload(kappa_, rate_.coefficients());
}

template <class Real>
void Dynamics<Real>::hold(TileSteps<Real>& steps) {
  if (scope_ == StepScope::table) return;
  steps.renumber(taken_);
  held_.clear();
  for (const std::uint32_t number : taken_) held_.push_back(table_.steps()[number]);
  linear_->set_steps(held_);
}

template <class Real>
void Dynamics<Real>::share_bar(std::span<const double> bar, std::span<double> shared) {
  const std::size_t linear = linear_->coefficient_count();
  if (scope_ == StepScope::table) {
    std::ranges::copy(bar, shared.begin());
    return;
  }
  std::ranges::fill(shared.first(A_.size()), 0.0);
  linear_->assemble_vjp(bar.first(linear), shared.first(A_.size()));
  std::ranges::copy(bar.subspan(linear), shared.begin() + std::ptrdiff_t(A_.size()));
}

template <class Real>
void Dynamics<Real>::spread_dot(std::span<const double> shared, std::span<double> dot) {
  const std::size_t linear = linear_->coefficient_count();
  if (scope_ == StepScope::table) {
    std::ranges::copy(shared, dot.begin());
    return;
  }
  move_linear(shared.first(A_.size()), dot.first(linear));
  std::ranges::copy(shared.subspan(A_.size()), dot.begin() + std::ptrdiff_t(linear));
}

template <class Real>
void Dynamics<Real>::assemble_vjp(std::span<const double> theta, std::span<const double> bar,
                                  std::span<double> theta_bar) {
  const auto linear = bar.first(shared_linear());
  if (scope_ == StepScope::tile) {
    std::ranges::copy(linear, A_other_.begin());
  } else {
    std::ranges::fill(A_other_, 0.0);
    linear_->assemble_vjp(linear, A_other_);
  }
  model_.linear().assemble_vjp(theta, A_other_, theta_bar);
  model_.nonlinear().assemble_vjp(theta, bar.subspan(linear.size()), theta_bar);
}

template <class Real>
void Dynamics<Real>::assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                                  std::span<double> dot) {
  const auto linear = dot.first(shared_linear());
  model_.linear().assemble_jvp(theta, theta_dot, A_other_);
  if (scope_ == StepScope::tile)
    std::ranges::copy(A_other_, linear.begin());
  else
    move_linear(A_other_, linear);
  model_.nonlinear().assemble_jvp(theta, theta_dot, dot.subspan(linear.size()));
}

/// Most unit vectors leave A as it is, and the derivatives of its functions are what costs.
template <class Real>
void Dynamics<Real>::move_linear(std::span<const double> A_dot, std::span<double> dot) {
  if (std::ranges::all_of(A_dot, [](double entry) { return entry == 0.0; }))
    std::ranges::fill(dot, 0.0);
  else
    linear_->assemble_jvp(A_dot, dot);
}

template class Dynamics<double>;
template class Dynamics<float>;

}  // namespace spnode::core

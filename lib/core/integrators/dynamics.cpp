#include "core/integrators/dynamics.hpp"

#include "core/linear/dense/tabulated_linear_part.hpp"
#include "core/matrix_functions/taylor_degree.hpp"
#include "core/support/error.hpp"
#include "core/support/text.hpp"

#include <algorithm>
#include <cmath>

namespace spnode::core {
StepScope choose_scope(const StepTable& table, std::size_t tile_intervals, std::size_t batch_intervals) {
  const std::size_t all = table.steps().size();
  return all > tile_intervals && all >= batch_intervals ? StepScope::tile : StepScope::table;
}

namespace {

/// Operations for the dense operators of one update, by the norm of A.
double dense_cost(const std::vector<OperatorSpec>& operators, const SplitShape& shape, const StepTable& table,
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
double tabulated_cost(const std::vector<OperatorSpec>& operators, const SplitShape& shape,
                      const StepTable& table, double norm, std::size_t lane_steps) {
  double cost = 0.0;
  for (const OperatorSpec& spec : operators)
    for (const double h : table.steps())
      cost += tabulated_lane_cost(shape.n, spec.terms(), spec.c * std::abs(h) * norm);
  return double(lane_steps) / double(table.steps().size()) * cost;
}

}  // namespace

MatrixFunctionMethod choose_method(const IntegratorOptions& options, const SplitShape& shape,
                                   const StepTable& table, const StructuredMatrix& A,
                                   std::size_t lane_steps) {
  if (A.shape.structure == LinearStructure::none) return MatrixFunctionMethod::dense;
  if (A.shape.structure != LinearStructure::dense) return method_of(A.shape.structure, options.linear);
  if (options.linear != MatrixFunctionMethod::automatic) return options.linear;
  const std::vector<OperatorSpec> operators = program_of(options.scheme, shape).operators;
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

namespace {

template <class Real>
SplitShape shape_of(const BasicModel<Real>& model, DynamicsMode mode) {
  if (mode == DynamicsMode::full) return model.split_shape();
  return {model.latent_dimension(), model.nonlinear().has_plain(), false, false};
}

Scheme scheme_of(const IntegratorOptions& options, DynamicsMode mode) {
  return mode == DynamicsMode::full ? options.scheme : Scheme::dopri5;
}

/// Whether coefficients are functions of step lengths: those of the Taylor method are those of A, and
/// Rosenbrock schemes take A as a part of f.
template <class Real>
bool needs_steps(const BasicModel<Real>& model, const IntegratorOptions& options,
                 MatrixFunctionMethod method) {
  const bool taylor =
      method == MatrixFunctionMethod::taylor && model.linear().shape().structure == LinearStructure::dense;
  return !taylor && !is_rosenbrock(options.scheme);
}

/// How operators act, and for which steps.
struct OperatorSteps {
  const StepTable& table;
  StepScope scope;
  MatrixFunctionMethod method;
};

template <class Real>
std::unique_ptr<LinearPart<Real>> make_operators(const BasicModel<Real>& model,
                                                 const Integrator<Real>& integrator,
                                                 const OperatorSteps& steps) {
  const StepTable one({1.0});
  const bool whole = integrator.takes_field();
  return make_linear_part<Real>({model.linear().shape(), model.split_shape(), integrator.operators(),
                                 whole ? one : steps.table, steps.scope, model.options().linear},
                                whole ? MatrixFunctionMethod::dense : steps.method);
}

}  // namespace

template <class Real>
Dynamics<Real>::Dynamics(const BasicModel<Real>& model, const IntegratorOptions& options, StepTable table,
                         MatrixFunctionMethod method, StepScope scope, DynamicsMode mode)
    : assembled_(model),
      table_(std::move(table)),
      scope_(needs_steps(model, options, method) ? scope : StepScope::table),
      scheme_(scheme_of(options, mode)),
      slow_(mode == DynamicsMode::slow ? std::optional(model.slow_terms()) : std::nullopt),
      integrator_(program_of(scheme_of(options, mode), shape_of(model, mode)).without_error(),
                  shape_of(model, mode), model.nonlinear().tape_rows()),
      linear_(mode == DynamicsMode::slow ? nullptr
                                         : make_operators(model, integrator_, {table_, scope_, method})),
      A_other_(assembled_.linear().size()) {
  StageProgram program = program_of(scheme_of(options, mode), shape_of(model, mode));
  if (options.scheme == Scheme::map) {
    require_option(model.options().order == 1, {"scheme"}, "is map, which needs a model of order 1");
    require_option(model.invariants() == nullptr, {"scheme"},
                   "is map, whose models have no du/dt that could keep the invariants; give none of them");
    for (const double h : table_.steps())
      require_option(
          std::abs(h - 1.0) <= 1e-9, {"scheme"},
          "is map, whose times count its applications: every interval must be 1; found " + shortest(h));
  }
  if (!program.error.empty())
    estimating_.emplace(std::move(program), shape_of(model, mode), model.nonlinear().tape_rows());
}

template <class Real>
void Dynamics<Real>::set_parameters(std::span<const double> theta) {
  assembled_.set_parameters(theta);
  if (!linear_) return;
  if (scope_ == StepScope::tile) linear_->set_steps({});  // none of this theta yet
  linear_->assemble(assembled_.linear());
}

template <class Real>
void Dynamics<Real>::hold(RolloutSteps<Real>& steps) {
  if (scope_ == StepScope::table || !linear_) return;
  steps.lengths().renumber(taken_);
  held_.clear();
  for (const std::uint32_t number : taken_) held_.push_back(table_.steps()[number]);
  linear_->set_steps(held_);
}

template <class Real>
void Dynamics<Real>::share_bar(std::span<const double> bar, std::span<double> shared) {
  if (scope_ == StepScope::table) {
    std::ranges::copy(bar, shared.begin());
    return;
  }
  const auto from = cut(bar, linear_count());
  const auto to = cut(shared, shared_linear());
  std::ranges::fill(to.linear, 0.0);
  if (linear_) linear_->assemble_vjp(from.linear, to.linear);
  std::ranges::copy(from.nonlinear, to.nonlinear.begin());
}

template <class Real>
void Dynamics<Real>::spread_dot(std::span<const double> shared, std::span<double> dot) {
  if (scope_ == StepScope::table) {
    std::ranges::copy(shared, dot.begin());
    return;
  }
  const auto from = cut(shared, shared_linear());
  const auto to = cut(dot, linear_count());
  move_linear(from.linear, to.linear);
  std::ranges::copy(from.nonlinear, to.nonlinear.begin());
}

template <class Real>
void Dynamics<Real>::assemble_vjp(std::span<const double> theta, std::span<const double> bar,
                                  std::span<double> theta_bar) {
  const auto from = cut(bar, shared_linear());
  if (scope_ == StepScope::tile) {
    std::ranges::copy(from.linear, A_other_.begin());
  } else {
    std::ranges::fill(A_other_, 0.0);
    if (linear_) linear_->assemble_vjp(from.linear, A_other_);
  }
  assembled_.assemble_vjp(theta, {A_other_, from.nonlinear}, theta_bar);
}

template <class Real>
void Dynamics<Real>::assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                                  std::span<double> dot) {
  const auto to = cut(dot, shared_linear());
  assembled_.assemble_jvp(theta, theta_dot, {A_other_, to.nonlinear});
  if (scope_ == StepScope::tile)
    std::ranges::copy(A_other_, to.linear.begin());
  else
    move_linear(A_other_, to.linear);
}

/// Most unit vectors leave A as it is, and the derivatives of its functions are what costs.
template <class Real>
void Dynamics<Real>::move_linear(std::span<const double> A_dot, std::span<double> dot) {
  if (!linear_ || std::ranges::all_of(A_dot, [](double entry) { return entry == 0.0; }))
    std::ranges::fill(dot, 0.0);
  else
    linear_->assemble_jvp(A_dot, dot);
}

template class Dynamics<double>;
template class Dynamics<float>;

}  // namespace spnode::core

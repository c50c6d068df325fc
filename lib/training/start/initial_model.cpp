#include "training/start/initial_model.hpp"

#include "core/components/even_pairs.hpp"
#include "core/matrix_functions/decompositions.hpp"
#include "core/support/option.hpp"
#include "training/batch_objective.hpp"
#include "training/start/differences.hpp"
#include "training/start/fast_slow/fast_slow.hpp"
#include "training/start/latent_data.hpp"
#include "training/start/operator_inference.hpp"
#include "training/start/scaling.hpp"
#include "training/start/sparse_regression.hpp"
#include "training/start/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <exception>
#include <iterator>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace spnode::training {

namespace {

/// Eigenvalues stay below mu by this part of the root mean square singular value of A.
constexpr double margin = 1e-4;

void move_inside(const core::Model& model, std::span<const double> theta, std::span<double> A) {
  double squares = 0.0;
  for (const double entry : A) squares += entry * entry;
  const double size = std::sqrt(squares / static_cast<double>(model.latent_dimension()));
  const double most = model.options().linear.mu - margin * size;
  if (model.invariants() != nullptr)
    model.invariants()->limit_real_parts(theta, A, most);
  else
    core::limit_real_parts(A, most);
}

/// The rows that give the components of the scaled state from u, (components, n).
std::vector<double> state_rows(const core::Model& model, const std::optional<core::PodStart>& pod) {
  const std::size_t n = model.latent_dimension(), m = model.state_dimension();
  std::vector<double> rows(m * n, 0.0);
  for (std::size_t c = 0; c < m; ++c)
    for (std::size_t j = 0; j < n; ++j)
      rows[c * n + j] = pod ? pod->modes[j * m + c] * pod->latent_scale : double(c == j);
  return rows;
}

/// Puts the quadratic part of operators into a network, as even pairs.
void start_network(const parallel::Communicator& comm, const core::Network<double>& network,
                   const std::vector<double>& rows, const LatentTrajectories& latent,
                   const core::QuadraticOperators& operators, Start& start) {
  std::vector<double> V =
      core::pair_directions(rows, second_moments(comm, latent), latent.dimension, network.pairs());
  network.set_directions(V, start.theta);
  const InferredPairs pairs = infer_pairs(comm, latent, operators, V);
  start.fit->network_residual = pairs.residual;
  start.fit->network_divisor = network.set_outputs(pairs.W, pairs.b, start.theta);
}

/// Puts the coefficients of a sparse regression into the library.
void start_library(const parallel::Communicator& comm, const std::optional<core::PodStart>& pod,
                   const DataSet& train, InitialModel& start) {
  const core::Model& model = *start.model;
  const core::ModelOptions& options = model.options();
  LatentTrajectories variables = library_variables(comm, model, pod, train);
  if (model.symmetries() != nullptr) variables = with_images(variables, *model.symmetries());
  if (const auto* const fields = model.field_library()) variables = at_points(variables, fields->stencil());
  const SparseCoefficients found = sparse_regression(comm, variables, *model.library(),
                                                     options.sparse_regression, options.inference_order);
  model.library()->set_coefficients(found.Xi, start.theta);
  const bool weak = options.sparse_regression.derivatives == core::Derivatives::weak;
  start.fit = StartFit{.method = options.initialisation,
                       .order = weak ? 0 : difference_order(variables.times, options.inference_order),
                       .residual = found.residual,
                       .network_residual = {},
                       .coefficients = found.Xi.size(),
                       .kept = found.kept};
}

/// Components that are constant but for rounding take their mean: as variables they are only noise.
void hold_constants(std::vector<std::optional<double>> constants, const core::Model& model,
                    LatentTrajectories& latent) {
  const core::Scaling& scaling = model.scaling;
  if (std::ranges::none_of(constants, [](const auto& constant) { return constant.has_value(); })) return;
  for (std::size_t c = 0; c < constants.size(); ++c)
    if (constants[c]) constants[c] = (*constants[c] - scaling.shift[c]) / scaling.scale[c];
  if (model.lifting())
    for (std::size_t j = 0; j < model.lifting()->products(); ++j) {
      const auto a = constants[model.lifting()->pairs()[2 * j]],
                 b = constants[model.lifting()->pairs()[2 * j + 1]];
      constants.push_back(a && b ? std::optional<double>(*a * *b) : std::nullopt);
    }
  latent.states = [constants, states = latent.states](std::size_t trajectory, std::span<double> u) {
    states(trajectory, u);
    for (std::size_t i = 0; i < u.size(); ++i)
      if (const auto& constant = constants[i % constants.size()]) u[i] = *constant;
  };
}

/// Takes the shift of positive components away.
void scale_positive_components(core::Scaling& scaling, const core::PositiveCoordinates& positive) {
  for (std::size_t c = 0; c < scaling.shift.size(); ++c)
    if (positive.is_positive(c)) scaling.shift[c] = 0.0;
}

/// Scales the coordinates of positive components by their moments over the data. Collective.
void set_positive_coordinates(const parallel::Communicator& comm, const DataSet& train, InitialModel& start) {
  const core::PositiveCoordinates& positive = *start.model->positive();
  const std::vector<double>& scale = start.model->scaling.scale;
  const FunctionMoments moments = function_moments(comm, train, [&](std::size_t c, double x) {
    return positive.is_positive(c) ? positive.inverse(x / scale[c]) : 0.0;
  });
  positive.set_moments(moments.mean, moments.deviation, start.theta);
}

/// The ridges of least squares that are tried.
std::vector<double> ridges(const core::ModelOptions& options) {
  if (options.inference_ridge > 0.0) return {options.inference_ridge};
  return {1e-12, 1e-9, 1e-7, 1e-5, 1e-3, 1e-2, 1e-1};
}

/// Puts operators into start.theta.
void start_from_operators(const parallel::Communicator& comm, const core::Model& model,
                          const std::optional<core::PodStart>& pod, const LatentTrajectories& latent,
                          InferredOperators inferred, Start& start) {
  const core::ModelOptions& options = model.options();
  move_inside(model, start.theta, inferred.operators.A);
  const bool dmd = options.initialisation == core::Initialisation::dmd;
  start.fit = StartFit{.method = options.initialisation,
                       .order = dmd ? 0 : difference_order(latent.times, options.inference_order),
                       .residual = inferred.residual,
                       .dropped = model.set_operators(inferred.operators, start.theta),
                       .network_residual = {}};
  const core::Network<double>* const network = model.quadratic_network();
  if (network != nullptr && !inferred.operators.Q.empty())
    start_network(comm, *network, state_rows(model, pod), latent, inferred.operators, start);
}

/// The parameters before those of an autoencoder, which may be many.
std::vector<double> dynamics_of(const core::ParameterLayout& layout, const std::vector<double>& theta) {
  std::size_t count = theta.size();
  for (const core::ParameterBlock& block : layout.blocks())
    if (block.group != core::ParameterGroup::dynamics) count = std::min(count, block.offset);
  return {theta.begin(), theta.begin() + std::ptrdiff_t(count)};
}

/// Puts one of its starts into a model's parameters.
void take(Start one, InitialModel& start) {
  std::ranges::copy(one.theta, start.theta.begin());
  start.fit = std::move(one.fit);
}

/// The first of starts, with the others beside it.
void take_first(std::vector<Start> starts, InitialModel& start) {
  take(std::move(starts.front()), start);
  start.others.assign(std::make_move_iterator(starts.begin() + 1), std::make_move_iterator(starts.end()));
}

/// Replaces what can be inferred from the data in start.theta.
void start_from_data(const parallel::Communicator& comm, const std::optional<core::PodStart>& pod,
                     const DataSet& train, InitialModel& start) {
  const core::Model& model = *start.model;
  const core::ModelOptions& options = model.options();
  LatentTrajectories latent = latent_trajectories(comm, model, pod, train);
  if (!pod) hold_constants(constant_components(comm, train), model, latent);
  if (model.symmetries() != nullptr) latent = with_images(latent, *model.symmetries());
  const OperatorForm form = operator_form(options);
  if (options.initialisation == core::Initialisation::dmd)
    return start_from_operators(comm, model, pod, latent, dynamic_mode_decomposition(comm, latent, form),
                                start);
  const OperatorEquations equations(comm, latent, form, options.inference_order);
  std::vector<Start> starts;
  std::exception_ptr failure;  // of the smallest ridge
  const std::vector<double> dynamics = dynamics_of(model.layout(), start.theta);
  for (const double ridge : ridges(options)) try {
      Start one{dynamics, {}};
      start_from_operators(comm, model, pod, latent, equations.solve(ridge), one);
      one.fit->ridge = ridge;
      starts.push_back(std::move(one));
    } catch (const NumericalError&) {  // on all ranks
      if (!failure) failure = std::current_exception();
    }
  if (starts.empty()) std::rethrow_exception(failure);
  take_first(std::move(starts), start);
}

}  // namespace

InitialModel make_initial_model(const parallel::Communicator& comm, const core::ModelOptions& options,
                                std::uint64_t seed, const DataSet& train, const SlowData& slow) {
  InitialModel start;
  start.model = std::make_unique<core::Model>(options, train.data.held().components);
  start.model->scaling = in_section(
      "scaling", [&] { return make_scaling(comm, options.scaling, train, start.model->symmetries()); });
  // A shift of the state would give the equation a constant.
  const bool linear_coordinates =
      !options.coupling_flow.enabled && (!options.autoencoder.enabled || options.autoencoder.hidden.empty());
  if (options.homogeneous() && linear_coordinates && options.scaling.kind != core::ScalingKind::manual)
    std::ranges::fill(start.model->scaling.shift, 0.0);
  if (start.model->positive() != nullptr)
    scale_positive_components(start.model->scaling, *start.model->positive());
  start.model->argument_scaling = make_argument_scaling(comm, options.arguments, train);
  std::optional<core::PodStart> pod;
  if (options.autoencoder.enabled && options.autoencoder.pod) pod = start_basis(comm, *start.model, train);
  start.theta = start.model->initialise(seed, pod ? &*pod : nullptr);
  if (start.model->positive() != nullptr) set_positive_coordinates(comm, train, start);
  if (options.initialisation == core::Initialisation::random) return start;
  if (pod && pod->rank < start.model->latent_dimension())
    throw OptionError({"latent_dimension"},
                      "= " + std::to_string(start.model->latent_dimension()) + ", but only " +
                          std::to_string(pod->rank) +
                          " POD modes of the data are above rounding, which initialisation: " +
                          std::string(name_of(options.initialisation)) + " needs; take at most as many");
  try {
    if (options.initialisation == core::Initialisation::sparse_regression)
      start_library(comm, pod, train, start);
    else if (options.initialisation == core::Initialisation::fast_slow)
      take_first(start_fast_slow(comm, *start.model, train, slow, ridges(options), seed, start), start);
    else
      start_from_data(comm, pod, train, start);
  } catch (const Error& error) {  // also one of a single rank, whose type is lost on the way to all
    if (error.status() != ExitStatus::usage_error) throw;
    throw OptionError({"initialisation"}, "does not suit the data: " + std::string(error.what()));
  }
  return start;
}

std::size_t start_count(const core::ModelOptions& options) {
  return options.initialisation == core::Initialisation::operator_inference ? ridges(options).size() : 1;
}

void choose_start(const parallel::Communicator& comm, core::TileObjective& objective, const DataSet& set,
                  InitialModel& start) {
  if (start.others.empty()) return;
  BatchObjective batch(comm, objective, set.data, set.sampler);
  const auto loss_of = [&](std::span<const double> theta) {
    const Evaluation result = batch.value(theta);
    return result.finite ? result.loss.total : std::numeric_limits<double>::infinity();
  };
  double best = loss_of(start.theta);
  std::vector<double> theta = start.theta;
  for (Start& other : start.others) {
    std::ranges::copy(other.theta, theta.begin());
    const double loss = loss_of(theta);
    if (!(loss < 0.5 * best)) continue;
    best = loss;
    take(std::move(other), start);
  }
  start.others.clear();
}

}  // namespace spnode::training

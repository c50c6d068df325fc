#include "training/start/initial_model.hpp"

#include "core/components/even_pairs.hpp"
#include "core/matrix_functions/decompositions.hpp"
#include "core/support/option.hpp"
#include "training/start/differences.hpp"
#include "training/start/latent_data.hpp"
#include "training/start/operator_inference.hpp"
#include "training/start/scaling.hpp"
#include "training/start/sparse_regression.hpp"

#include <cmath>
#include <span>
#include <string>

namespace spnode::training {

namespace {

/// Eigenvalues stay below mu by this part of the root mean square singular value of A.
constexpr double margin = 1e-4;

void move_inside(std::span<double> A, std::size_t n, double mu) {
  double squares = 0.0;
  for (const double entry : A) squares += entry * entry;
  core::limit_real_parts(A, mu - margin * std::sqrt(squares / static_cast<double>(n)));
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
                   const core::QuadraticOperators& operators, InitialModel& start) {
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
  const LatentTrajectories variables = library_variables(comm, model, pod, train);
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

/// Replaces what can be inferred from the data in start.theta.
void start_from_data(const parallel::Communicator& comm, const std::optional<core::PodStart>& pod,
                     const DataSet& train, InitialModel& start) {
  const core::Model& model = *start.model;
  const core::ModelOptions& options = model.options();
  const LatentTrajectories latent = latent_trajectories(comm, model, pod, train);
  const bool dmd = options.initialisation == core::Initialisation::dmd;
  const auto form = options.nonlinear.empty() ? OperatorForm::linear : OperatorForm::quadratic;
  InferredOperators inferred = dmd ? dynamic_mode_decomposition(comm, latent)
                                   : infer_operators(comm, latent, form, options.inference_order);
  move_inside(inferred.operators.A, latent.dimension, options.linear.mu);
  start.fit = StartFit{.method = options.initialisation,
                       .order = dmd ? 0 : difference_order(latent.times, options.inference_order),
                       .residual = inferred.residual,
                       .dropped = model.set_operators(inferred.operators, start.theta),
                       .network_residual = {}};
  const core::Network<double>* const network = model.quadratic_network();
  if (network != nullptr && !inferred.operators.Q.empty())
    start_network(comm, *network, state_rows(model, pod), latent, inferred.operators, start);
}

}  // namespace

InitialModel make_initial_model(const parallel::Communicator& comm, const core::ModelOptions& options,
                                std::uint64_t seed, const DataSet& train) {
  InitialModel start;
  start.model = std::make_unique<core::Model>(options, train.data.held().components);
  start.model->scaling = in_section("scaling", [&] { return make_scaling(comm, options.scaling, train); });
  start.model->argument_scaling = make_argument_scaling(comm, options.arguments, train);
  std::optional<core::PodStart> pod;
  if (options.autoencoder.enabled && options.autoencoder.pod) pod = start_pod(comm, *start.model, train);
  start.theta = start.model->initialise(seed, pod ? &*pod : nullptr);
  if (options.initialisation == core::Initialisation::random) return start;
  try {
    if (options.initialisation == core::Initialisation::sparse_regression)
      start_library(comm, pod, train, start);
    else
      start_from_data(comm, pod, train, start);
  } catch (const Error& error) {  // also one of a single rank, whose type is lost on the way to all
    if (error.status() != ExitStatus::usage_error) throw;
    throw OptionError({"initialisation"}, "does not suit the data: " + std::string(error.what()));
  }
  return start;
}

}  // namespace spnode::training

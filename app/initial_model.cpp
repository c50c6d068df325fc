#include "app/initial_model.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "app/data_start.hpp"
#include "app/deck/check.hpp"
#include "core/loss/objective.hpp"
#include "spectral/pod.hpp"
#include "training/statistics.hpp"

namespace spnode::app {

namespace {

training::Moments moments_of(const parallel::Communicator& comm, const DataSet& set) {
  try {
    return training::component_moments(comm, set.data, set.held);
  } catch (const FileError& error) {
    throw FileError(set.path + ": " + error.what());
  }
}

/// Deviations that are only rounding of the mean do not scale anything.
double usable(double deviation, double mean) { return deviation > 1e-12 * std::abs(mean) ? deviation : 1.0; }

/// One value for all components, or one each.
std::vector<double> spread(const std::vector<double>& given, std::size_t components, double otherwise,
                           const char* option) {
  if (given.empty()) return std::vector<double>(components, otherwise);
  if (given.size() == 1) return std::vector<double>(components, given.front());
  if (given.size() != components)
    throw OptionError({option}, "has " + std::to_string(given.size()) + " values; the states have " +
                                    std::to_string(components) + " components");
  return given;
}

core::Scaling make_scaling(const core::ScalingOptions& options, const training::Moments& moments) {
  const std::size_t m = moments.mean.size();
  switch (options.kind) {
    case core::ScalingKind::manual:
      return {spread(options.shift, m, 0.0, "shift"), spread(options.scale, m, 1.0, "scale")};
    case core::ScalingKind::global: {
      const training::Moments all = training::pooled(moments);
      return {std::vector<double>(m, all.mean[0]),
              std::vector<double>(m, usable(all.deviation[0], all.mean[0]))};
    }
    case core::ScalingKind::component: {
      std::vector<double> scale(m);
      for (std::size_t i = 0; i < m; ++i) scale[i] = usable(moments.deviation[i], moments.mean[i]);
      return {moments.mean, scale};
    }
    case core::ScalingKind::none:
      break;
  }
  return {std::vector<double>(m, 0.0), std::vector<double>(m, 1.0)};
}

/// The POD of the scaled training states, a trajectory at a time. Collective.
core::PodStart make_pod(const parallel::Communicator& comm, const core::Model& model, const DataSet& train) {
  const core::Trajectories& held = train.data.held();
  const parallel::Range own = own_trajectories(train);
  std::vector<double> scaled(held.times * held.components);
  spectral::LocalSnapshots snapshots;
  snapshots.dimension = held.components;
  snapshots.chunks = own.size();
  snapshots.chunk = [&](std::size_t i) {
    const double* states = held.state_at(own.begin + i - train.data.first(), 0);
    for (std::size_t k = 0; k < scaled.size(); ++k) {
      const std::size_t c = k % held.components;
      scaled[k] = (states[k] - model.scaling.shift[c]) / model.scaling.scale[c];
    }
    return std::span<const double>(scaled);
  };
  const spectral::Pod pod = spectral::compute_pod(comm, snapshots, model.latent_dimension());
  return {pod.modes, pod.singular_values.front()};
}

/// Weights of the components in the loss: none, or one over their variance in scaled space. Collective.
std::vector<double> component_weights(const parallel::Communicator& comm, const Deck& deck,
                                      const core::Model& model, const DataSet& train) {
  if (deck.loss.component_weights == core::ComponentWeights::none) return {};
  const training::Moments moments = moments_of(comm, train);
  std::vector<double> weights(moments.mean.size());
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double deviation = usable(moments.deviation[i], moments.mean[i]) / model.scaling.scale[i];
    weights[i] = 1.0 / (deviation * deviation);
  }
  return weights;
}

/// start_from_data; where the data do not allow it, the error names the key that asks for it. Collective.
std::string from_data(const parallel::Communicator& comm, const Deck& deck, const ModelState& start,
                      const std::optional<core::PodStart>& pod, const DataSet& train,
                      std::span<double> theta) {
  try {
    return start_from_data(comm, *start.model, pod, train, theta);
  } catch (const Error& error) {
    if (error.status() != ExitStatus::usage_error) throw;
    throw at_its_key(deck,
                     {{"model.initialisation"}, "does not suit the data: " + std::string(error.what())});
  }
}

}  // namespace

ModelState initial_model(const parallel::Communicator& comm, const Deck& deck, const DataSet& train) {
  ModelState start;
  start.model = using_section(
      deck, "model", [&] { return std::make_unique<core::Model>(deck.model, train.info.components); });
  const training::Moments moments = moments_of(comm, train);
  start.model->scaling =
      using_section(deck, "model.scaling", [&] { return make_scaling(deck.model.scaling, moments); });
  std::optional<core::PodStart> pod;
  if (deck.model.autoencoder.enabled && deck.model.autoencoder.pod) pod = make_pod(comm, *start.model, train);
  start.theta = start.model->initialise(deck.seed, pod ? &*pod : nullptr);
  if (deck.model.initialisation != core::Initialisation::random)
    start.note = from_data(comm, deck, start, pod, train, start.theta);
  return start;
}

Objectives make_objectives(const parallel::Communicator& comm, const Deck& deck, const ModelState& start,
                           const DataSet& train, const DataSet* validation) {
  std::vector<double> steps = core::distinct_steps(train.data, deck.integrator.substeps);
  if (validation != nullptr) {
    const std::vector<double> more = core::distinct_steps(validation->data, deck.integrator.substeps);
    steps.insert(steps.end(), more.begin(), more.end());
  }
  const core::StepTable table(union_of_steps(comm, steps));
  const core::Model& model = *start.model;
  const std::size_t intervals = train.data.index().intervals(), windows = train.sampler.batch(),
                    lane_steps = windows * intervals * deck.integrator.substeps;
  const core::MatrixFunctionMethod method = using_section(deck, "integrator", [&] {
    return core::choose_method(deck.integrator, core::rate_shape(model.nonlinear()), table,
                               model.linear_operator(start.theta), lane_steps);
  });

  core::ObjectiveOptions options{
      deck.integrator, deck.loss, component_weights(comm, deck, model, train),
      core::choose_scope(table, train.sampler.tile() * intervals, windows * intervals)};
  const auto make = [&] {
    return core::with_tile_scalar(deck.model.precision, [&]<class Real>() {
      return using_section(deck, "integrator", [&] {
        return std::unique_ptr<core::TileObjective>(
            std::make_unique<core::Objective<Real>>(model, options, table, method));
      });
    });
  };
  Objectives objectives;
  objectives.rollout = make();
  if (deck.training.pretrain_epochs > 0) {
    options.loss = {.trajectory = 0.0, .reconstruction = 1.0};
    options.loss.time_weights = deck.loss.time_weights;
    objectives.reconstruction = make();
  }
  return objectives;
}

}  // namespace spnode::app

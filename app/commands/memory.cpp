#include "app/commands/memory.hpp"

#include <algorithm>
#include <numeric>

#include "app/data_set.hpp"
#include "core/objective.hpp"
#include "distributed/trainer.hpp"

namespace spnode::app {

namespace {

/// Bytes of the trajectories that the rank with most of them holds.
std::size_t data_bytes(const parallel::Communicator& comm, const std::string& path,
                       const core::WindowOptions& windows, const distributed::SamplerOptions& options) {
  const io::TrajectoryInfo info = io::inspect_trajectories(comm, path);
  const std::size_t times = windows.times.empty() ? info.times : windows.times.size();
  const core::WindowIndex index(info.count, times, windows);
  const distributed::Sampler sampler(index.count(), options);
  std::size_t most = 0;
  for (int rank = 0; rank < comm.size(); ++rank) {
    const parallel::Range held = sampler.held(rank, comm.size());
    const auto range = index.trajectories(held.begin, held.end);
    most = std::max(most, range.last - range.first);
  }
  return most * info.times * info.components * sizeof(double);
}

/// The first windows of the training data, enough for one tile. Collective.
core::WindowData first_tile(const Context& context, const io::TrajectoryInfo& info) {
  const Deck& deck = context.deck;
  const core::WindowOptions& windows = deck.data.windows;
  const core::WindowIndex index(info.count, windows.times.empty() ? info.times : windows.times.size(),
                                windows);
  const std::uint64_t needed = std::min<std::uint64_t>(deck.training.tile, index.count());
  core::Trajectories held =
      io::read_trajectories(context.comm, deck.data.train, 0, index.trajectories(0, needed).last);
  return core::WindowData(index, core::select_times(std::move(held), windows.times), 0);
}

/// A start of the right shape; its values do not matter for memory.
std::vector<double> any_parameters(const core::Model& model) {
  const core::AutoencoderOptions& autoencoder = model.options().autoencoder;
  if (!autoencoder.enabled || !autoencoder.pod) return model.initialise(0, nullptr);
  core::PodStart pod;
  pod.modes.assign(model.latent_dimension() * model.state_dimension(), 0.0);
  for (std::size_t i = 0; i < std::min(model.latent_dimension(), model.state_dimension()); ++i)
    pod.modes[i * model.state_dimension() + i] = 1.0;
  return model.initialise(0, &pod);
}

}  // namespace

MemoryEstimate estimate_memory(const Context& context) {
  const parallel::Communicator& comm = context.comm;
  const Deck& deck = context.deck;
  const distributed::SamplerOptions options = distributed::training_sampler(deck.training, deck.seed);
  const io::TrajectoryInfo info = io::inspect_trajectories(comm, deck.data.train);
  const core::WindowData data = first_tile(context, info);

  MemoryEstimate estimate;
  estimate.data = data_bytes(comm, deck.data.train, deck.data.windows, options);
  if (!deck.data.validation.empty())
    estimate.data += data_bytes(comm, deck.data.validation, deck.data.windows,
                                distributed::validation_sampler(deck.training));
  parallel::collectively(comm, [&] {
    core::Model model(deck.model, info.components);
    model.scaling = {std::vector<double>(info.components, 0.0), std::vector<double>(info.components, 1.0)};
    const std::vector<double> theta = any_parameters(model);
    const core::StepTable table(core::distinct_steps(data, deck.integrator.substeps));
    const std::size_t tile = std::min<std::uint64_t>(deck.training.tile, data.index().count());
    const auto method = core::choose_method(
        deck.integrator, core::rate_shape(model.nonlinear()), table, model.linear_operator(theta),
        options.batch * data.index().intervals() * deck.integrator.substeps);
    std::vector<std::uint64_t> windows(tile);
    std::iota(windows.begin(), windows.end(), std::uint64_t{0});
    // The data set's table is not known from a few trajectories; with times of their own it is a large one.
    const auto scope = data.held().shared_time ? core::StepScope::table : core::StepScope::tile;
    std::vector<double> out;
    estimate.work = core::with_tile_scalar(deck.model.precision, [&]<class Real>() {
      core::Objective<Real> objective(model, {deck.integrator, deck.loss, {}, scope}, table, method);
      objective.set_parameters(theta);
      out.resize(objective.contribution_size());
      objective.contribution(data, windows, out);
      return objective.scratch_bytes();
    });

    const distributed::Sampler sampler(data.index().count(), options);
    const std::size_t shares = sampler.shares_of(0, comm.size()).size();
    // theta, best theta, gradient and three vectors of Adam; the rows, their sum and its two integers.
    estimate.parameters = (6 * theta.size() + (shares + 4) * out.size()) * sizeof(double);
  });
  return estimate;
}

}  // namespace spnode::app

#include "app/commands/memory.hpp"

#include <fmt/core.h>

#include <array>
#include <new>
#include <numeric>
#include <optional>
#include <span>
#include <string>

#include "app/commands/further_data.hpp"
#include "app/data_set.hpp"
#include "app/deck/check.hpp"
#include "core/loss/objective.hpp"
#include "core/support/memory_limit.hpp"
#include "core/support/text.hpp"
#include "core/vector_field/time_unit.hpp"
#include "parallel/exact_sum.hpp"
#include "spectral/pod.hpp"
#include "training/optimizers/normal_equations.hpp"
#include "training/projection.hpp"
#include "training/start/fast_slow/fast_slow.hpp"
#include "training/start/initial_model.hpp"
#include "training/start/operator_inference.hpp"
#include "training/start/sparse_regression.hpp"
#include "training/trainer.hpp"
#include "training/trainer_memory.hpp"

namespace spnode::app {

namespace {

/// A data file as a training sees it.
struct Source {
  Source(const parallel::Communicator& comm, const Deck& deck, Role role,
         const training::SamplerOptions& options)
      : part(part_of_data(comm, deck, role)),
        info(part.info),
        index(window_index(part.path, info, deck)),
        sampler(index.count(), options),
        has_derivatives(core::needs_derivatives(deck.loss)),
        tangents(core::needs_tangents(deck.loss) ? info.tangents : 0) {}

  /// Trajectories of the rank that holds most.
  std::size_t held(int ranks) const {
    std::size_t most = 0;
    for (int rank = 0; rank < ranks; ++rank) {
      const parallel::Range held = sampler.held(rank, ranks);
      const auto range = index.trajectories(held.begin, held.end);
      most = std::max(most, range.last - range.first);
    }
    return most;
  }

  /// Bytes of these where training projects states to so many components.
  double projected_bytes(int ranks, std::size_t components) const {
    const std::size_t most = held(ranks), axes = info.time_axis == io::TimeAxis::shared ? 1 : most,
                      numbers = components * ((has_derivatives ? 2 : 1) + 2 * tangents);
    return static_cast<double>(info.times) * static_cast<double>(most * numbers + axes) * sizeof(double);
  }

  /// Bytes of the states of these.
  double state_bytes(int ranks) const {
    return static_cast<double>(held(ranks)) * static_cast<double>(info.times) *
           static_cast<double>(info.components * number_size(part));
  }

  /// Bytes of these, whose states are held or streamed.
  double bytes(int ranks, double streamed) const {
    const std::size_t most = held(ranks), axes = info.time_axis == io::TimeAxis::shared ? 1 : most,
                      others = info.components * ((has_derivatives ? 1 : 0) + 2 * tangents);
    return static_cast<double>(info.times) * static_cast<double>(most * others + axes) * sizeof(double) +
           (streamed > 0.0 ? pieces_bytes(streamed) : state_bytes(ranks));
  }

  /// Of the two pieces of streamed states, which this process and the one that reads share.
  double pieces_bytes(double streamed) const {
    return 2.0 * static_cast<double>(piece_numbers(part, streamed) * number_size(part));
  }

  /// The least bytes for streamed states: a piece holds the windows of a tile.
  double least_streamed() const {
    const std::uint64_t windows = std::min<std::uint64_t>(sampler.tile(), index.count());
    return bytes_for_pieces(part, static_cast<double>(windows) * static_cast<double>(index.longest() + 1) *
                                      static_cast<double>(info.components));
  }

  DataPart part;
  io::TrajectoryInfo info;
  core::WindowIndex index;
  training::Sampler sampler;
  bool has_derivatives;
  std::size_t tangents;
};

/// Ranks of this rank's node. Collective.
int ranks_of_node(const parallel::Communicator& comm) {
  MPI_Comm node = MPI_COMM_NULL;
  int ranks = 0;
  MPI_Comm_split_type(comm.handle(), MPI_COMM_TYPE_SHARED, comm.rank(), MPI_INFO_NULL, &node);
  MPI_Comm_size(node, &ranks);
  MPI_Comm_free(&node);
  return ranks;
}

/// Bytes that the states of a rank may take. Collective.
double bytes_for_states(const parallel::Communicator& comm, const Deck& deck) {
  if (deck.data.memory > 0.0) return 1e6 * deck.data.memory;
  double bytes = 0.5 * std::min(core::process_memory(), core::node_memory() / ranks_of_node(comm));
  MPI_Allreduce(MPI_IN_PLACE, &bytes, 1, MPI_DOUBLE, MPI_MIN, comm.handle());
  return bytes;
}

/// What streamed states get where they are to have so many bytes; 0 where they have to be held. Raises
/// UsageError where the deck's number does not allow either.
double settled(const Deck& deck, const Source& source, int ranks, double bytes) {
  if (bytes == 0.0) return 0.0;
  const bool given = deck.data.memory > 0.0;
  std::string problem = io::streaming_problem(source.info, source.part.path.layout, source.part.reading);
  if (problem.empty() && !deck.data.windows.times.empty()) problem = "data.times chooses times";
  if (!problem.empty() && given)
    throw UsageError(fmt::format(
        "data.memory = {} MB, but the states of {} take {} on a rank and cannot be "
        "read while they are used, because {}",
        shortest(deck.data.memory), source.part.path, shown_bytes(source.state_bytes(ranks)), problem));
  if (!problem.empty()) return 0.0;
  const double least = source.least_streamed();
  if (bytes < least && given)
    throw UsageError(fmt::format(
        "data.memory = {} MB leaves {} for the states of {}, which are read while they are used; pieces of a "
        "tile ({} windows) need {}",
        shortest(deck.data.memory), shown_bytes(bytes), source.part.path, source.sampler.tile(),
        shown_bytes(least)));
  return std::max(bytes, least);
}

/// Which states are streamed, and in how many bytes: where not all fit, those of a set that takes more than
/// half. Collective.
StreamBytes choose_streams(const parallel::Communicator& comm, const Deck& deck, const Source& train,
                           const std::optional<Source>& validation) {
  const double most = bytes_for_states(comm, deck), half = 0.5 * most,
               trained = train.state_bytes(comm.size()),
               validated = validation ? validation->state_bytes(comm.size()) : 0.0;
  if (trained + validated <= most) return {};
  StreamBytes streams;
  if (trained > half) streams.training = most - std::min(validated, half);
  if (validated > half) streams.validation = most - std::min(trained, half);
  streams.training = settled(deck, train, comm.size(), streams.training);
  if (validation) streams.validation = settled(deck, *validation, comm.size(), streams.validation);
  return streams;
}

/// The first windows of the training data, enough for one tile; they are loaded. Collective.
core::WindowData first_tile(const Context& context, const Source& train, bool streams) {
  const Deck& deck = context.deck;
  std::vector<std::uint64_t> windows(std::min<std::uint64_t>(deck.training.tile, train.index.count()));
  std::iota(windows.begin(), windows.end(), std::uint64_t{0});
  const std::size_t count = train.index.trajectories(0, windows.size()).last;
  io::ReadOptions reading = train.part.reading;
  if (streams) reading.content = io::Content::no_states;
  core::Trajectories held =
      io::read_trajectories(context.comm, train.part.path, train.part.first, count, reading);
  std::optional<core::WindowData> data;
  parallel::collectively(context.comm, [&] {
    held = chosen_times(std::move(held), deck);
    if (!streams) {
      data.emplace(train.index, std::move(held), 0);
      return;
    }
    data.emplace(train.index, std::move(held), 0,
                 stream(train.part, 0, count, piece_numbers(train.part, train.least_streamed())));
    data->load(windows, {});
  });
  return std::move(*data);
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

/// Data of the same shape with so many components only, for what does not depend on values.
core::WindowData with_components(const core::WindowData& data, std::size_t components) {
  core::Trajectories held = data.held();
  const std::size_t states = held.count * held.times;
  held.components = components;
  held.single.clear();
  held.state.assign(states * components, 0.0);
  if (!held.derivative.empty()) held.derivative.assign(states * components, 0.0);
  held.directions.assign(states * held.tangents * components, 0.0);
  held.products.assign(states * held.tangents * components, 0.0);
  return core::WindowData(data.index(), std::move(held), data.first());
}

/// Bytes of the start of a model from its data.
double start_bytes(const Deck& deck, const core::Model& model, const Source& train, int ranks) {
  // Chosen times are copied out of all.
  double most = deck.data.windows.times.empty() ? 0.0 : train.bytes(ranks, 0.0);
  const std::size_t shares = train.sampler.shares_of(0, ranks).size();
  const core::AutoencoderOptions& autoencoder = model.options().autoencoder;
  if (autoencoder.enabled && autoencoder.pod && autoencoder.basis == core::LinearBasis::pod)
    most = std::max(most, spectral::pod_bytes({.dimension = model.state_dimension(),
                                               .modes = model.latent_dimension(),
                                               .all_snapshots = train.info.count * train.info.times,
                                               .chunks = train.held(ranks),
                                               .snapshots = train.info.times}));
  if (model.options().initialisation == core::Initialisation::fast_slow)
    most = std::max(most, training::fast_slow_bytes(model, shares));
  else if (model.options().initialisation == core::Initialisation::sparse_regression)
    most = std::max(most, training::sparse_regression_bytes(*model.library(), train.info.times, shares));
  else if (model.options().initialisation != core::Initialisation::random)
    most = std::max(most, training::inference_bytes(model.latent_dimension(),
                                                    training::operator_form(model.options()), shares));
  return most;
}

bool takes_gauss_newton(const Deck& deck) {
  const auto& kinds = deck.training.optimizers;
  return std::ranges::find(kinds, training::OptimizerKind::gauss_newton) != kinds.end();
}

/// Computes a tile in all the ways that the training will.
template <class Real>
void compute_tile(const Deck& deck, core::Objective<Real>& objective, const core::WindowData& data,
                  std::span<const std::uint64_t> windows) {
  std::vector<double> out(objective.contribution_size());
  objective.contribution(data, windows, out);
  objective.value_contribution(data, windows, std::span(out).first(objective.value_size()));
  if (!takes_gauss_newton(deck)) return;
  objective.set_directions(std::vector<double>(objective.parameters().size(), 1.0));
  objective.gram_contribution(data, windows, std::span(out).first(1));
}

/// Windows of a tile of the training.
std::size_t tile_windows(const Deck& deck, const core::WindowData& data) {
  return std::min<std::uint64_t>(deck.training.tile, data.index().count());
}

/// Fills in what trainer and optimizers take, and refuses that, with `tile` bytes for a tile, where there is
/// not so much.
void require_training(const Deck& deck, const core::WindowData& data, const training::TrainingSizes& sizes,
                      double tile, MemoryEstimate& estimate) {
  estimate.parameters = training::trainer_bytes(sizes);
  estimate.optimizer = training::optimizer_bytes(deck.training, sizes);
  core::require_memory(
      estimate.data + estimate.parameters + estimate.optimizer + tile,
      fmt::format(
          "a training of {} parameters in tiles of {} windows of {} intervals in {} substeps (data {}, "
          "parameters {}, optimizers {}, a tile {})",
          sizes.parameters, tile_windows(deck, data), data.index().intervals(), deck.integrator.substeps,
          shown_bytes(estimate.data), shown_bytes(estimate.parameters), shown_bytes(estimate.optimizer),
          shown_bytes(tile)));
}

/// Computes a tile, once it is known to fit; gives the bytes that Gauss-Newton steps take beyond what it
/// took.
template <class Real>
double run_tile(const Deck& deck, core::Objective<Real>& objective, const core::WindowData& data,
                training::TrainingSizes sizes, MemoryEstimate& estimate) {
  sizes.contribution = objective.contribution_size();
  const std::size_t intervals = data.index().intervals();
  std::vector<std::uint64_t> windows(tile_windows(deck, data));
  std::iota(windows.begin(), windows.end(), std::uint64_t{0});
  const bool whole = takes_gauss_newton(deck);
  const std::size_t at_once =
      whole ? windows.size() : std::min(windows.size(), objective.windows_in_cache(intervals));
  const bool dense = whole && training::solves_densely(deck.training.gauss_newton, sizes.learning);
  const auto learning = static_cast<double>(sizes.learning);
  const double tangents = dense ? learning * objective.residual_bytes(windows.size(), intervals) : 0.0;
  require_training(deck, data, sizes, objective.tape_bytes(at_once, intervals) + tangents, estimate);
  parallel::ExactSum::require_countable(
      std::max(dense ? learning * (learning + 1.0) / 2.0 : 0.0, static_cast<double>(sizes.contribution)));
  compute_tile(deck, objective, data, windows);
  return tangents;
}

/// Bytes of the program and its libraries that no run has touched before it trains and writes files
/// (measured).
constexpr double touched_later = 5e6;

/// Fills in what the training of a model takes, on data that hold a tile. Not collective.
void add_training(const Deck& deck, const Source& train, const core::Model& model,
                  std::span<const double> theta, const core::WindowData& data, training::TrainingSizes sizes,
                  MemoryEstimate& estimate) {
  sizes.parameters = model.layout().size();
  sizes.learning = training::learning_count(model.layout());
  const core::StepTable table(core::distinct_steps(data, deck.integrator.substeps));
  const std::size_t lane_steps = train.sampler.batch() * data.index().intervals() * deck.integrator.substeps;
  const auto method = using_section(deck, "integrator", [&] {
    return core::choose_method(deck.integrator, model.split_shape(), table, model.linear_operator(theta),
                               lane_steps);
  });
  // The data set's table is not known from a few trajectories; with times of their own it is a large one.
  const auto scope = data.held().shared_time ? core::StepScope::table : core::StepScope::tile;
  core::with_tile_scalar(deck.model.precision, [&]<class Real>() {
    const double before = core::resident_memory();
    core::Objective<Real> objective = using_section(deck, "integrator", [&] {
      return core::Objective<Real>(model, {deck.integrator, deck.loss, {}, scope, data.held().tangents},
                                   table, method);
    });
    objective.set_parameters(theta);
    const double tangents = run_tile(deck, objective, data, sizes, estimate);
    estimate.work =
        touched_later + tangents +
        std::max(core::resident_memory() - before, static_cast<double>(objective.scratch_bytes()));
  });
}

/// Bytes of the trajectories beside the training data: those that the losses take, and all, which are there
/// until the model has its start. Collective.
struct BytesBeside {
  double losses = 0.0, start = 0.0;
};
BytesBeside bytes_beside(const parallel::Communicator& comm, const Deck& deck) {
  BytesBeside bytes;
  const auto add = [&](const std::string& path, const core::DataLossOptions& terms) {
    if (path.empty()) return;
    const Deck beside = deck_beside(deck, path, deck.loss.of(terms));
    const Source source(comm, beside, Role::training, training::validation_sampler(deck.training));
    bytes.start += source.bytes(comm.size(), 0.0);
    if (terms.any()) bytes.losses += source.bytes(comm.size(), 0.0);
  };
  add(deck.data.slow, deck.loss.slow_data);
  add(deck.data.manifold, deck.loss.manifold_data);
  return bytes;
}

/// Fills in what follows from the model. Not collective.
void add_model(const Deck& deck, const core::ModelOptions& options, const Source& train,
               const std::optional<Source>& validation, const core::WindowData& data, int ranks,
               training::TrainingSizes sizes, MemoryEstimate& estimate) {
  const core::Model model =
      using_section(deck, "model", [&] { return core::Model(options, train.info.components); });
  sizes.parameters = model.layout().size();
  sizes.learning = training::learning_count(model.layout());
  estimate.start = start_bytes(deck, model, train, ranks);
  const bool weighted = deck.loss.component_weights != core::ComponentWeights::none;
  if (!training::LatentProjection::suits(model.options(), model.state_dimension(), weighted)) {
    require_training(deck, data, sizes, 0.0, estimate);
    return add_training(deck, train, model, any_parameters(model), data, sizes, estimate);
  }
  const double theta = sizeof(double) * static_cast<double>(model.layout().size());
  core::require_memory(estimate.data + estimate.start + theta + training::LatentProjection::bytes(model),
                       "the start of a model of " + std::to_string(model.layout().size()) + " parameters");
  const std::size_t components = (weighted ? 2 : 1) * model.latent_dimension() + 1;
  const double maps = 2.0 * static_cast<double>(model.latent_dimension() * model.state_dimension()),
               dynamics = theta - sizeof(double) * maps;
  // The states are there until they are projected; starts differ in the dynamics alone.
  estimate.start +=
      estimate.data + theta + dynamics * static_cast<double>(training::start_count(model.options()));
  estimate.data = train.projected_bytes(ranks, components);
  if (validation) estimate.data += validation->projected_bytes(ranks, components);
  core::ModelOptions of_projection = options;
  of_projection.invariants.assign(options.invariants.size() / train.info.components * components, 1.0);
  const core::Model projected(of_projection, components);
  add_training(deck, train, projected, any_parameters(projected), with_components(data, components), sizes,
               estimate);
  estimate.parameters += theta + training::LatentProjection::bytes(model);
}

/// The largest of all ranks.
void take_largest(const parallel::Communicator& comm, MemoryEstimate& estimate) {
  std::array<double, 5> parts = {estimate.data, estimate.start, estimate.parameters, estimate.optimizer,
                                 estimate.work};
  MPI_Allreduce(MPI_IN_PLACE, parts.data(), static_cast<int>(parts.size()), MPI_DOUBLE, MPI_MAX,
                comm.handle());
  estimate = {parts[0], parts[1], parts[2], parts[3], parts[4], estimate.streams};
}

}  // namespace

MemoryEstimate estimate_memory(const Context& context) {
  const parallel::Communicator& comm = context.comm;
  const Deck& deck = context.deck;
  const Source train(comm, deck, Role::training, training::training_sampler(deck.training, deck.seed));
  training::TrainingSizes sizes;
  sizes.ranks = static_cast<std::size_t>(comm.size());
  sizes.shares = train.sampler.shares_of(0, comm.size()).size();
  std::optional<Source> validation;
  if (!data_of(deck, Role::validation).empty()) {
    validation.emplace(comm, deck, Role::validation, training::validation_sampler(deck.training));
    sizes.validates = true;
    sizes.validation_shares = validation->sampler.shares_of(0, comm.size()).size();
  }
  MemoryEstimate estimate;
  estimate.streams = choose_streams(comm, deck, train, validation);
  estimate.data = train.bytes(comm.size(), estimate.streams.training);
  if (validation) estimate.data += validation->bytes(comm.size(), estimate.streams.validation);
  const BytesBeside beside = bytes_beside(comm, deck);
  estimate.data += beside.losses;
  parallel::collectively(
      comm, [&] { core::require_memory(estimate.data + beside.start, "the data that a rank holds"); });
  core::WindowData data = first_tile(context, train, estimate.streams.training > 0.0);
  const double unit = time_unit_of(deck, 0.0);  // it hardly matters for memory
  core::count_time_in(unit, data.change());

  parallel::collectively(comm, [&] {
    try {
      add_model(deck, core::in_time_unit(unit, deck.model), train, validation, data, comm.size(), sizes,
                estimate);
    } catch (const std::bad_alloc&) {
      throw UsageError(fmt::format("one tile of the training does not fit the memory: {}",
                                   core::out_of_memory(comm.rank())));
    }
  });
  estimate.start += beside.start;
  take_largest(comm, estimate);
  return estimate;
}

std::string streaming_note(const StreamBytes& streams) {
  const auto one = [](const char* role, double bytes) {
    return fmt::format("the states of the {} data are read while they are used, in {}", role,
                       shown_bytes(bytes));
  };
  std::string note;
  if (streams.training > 0.0) note = one("training", streams.training);
  if (streams.validation > 0.0) note += (note.empty() ? "" : "; ") + one("validation", streams.validation);
  return note;
}

void require_node_memory(const parallel::Communicator& comm, const MemoryEstimate& estimate) {
  const int ranks = ranks_of_node(comm);
  parallel::collectively(comm, [&] {
    if (const double all = ranks * estimate.total(), most = core::node_memory(); all > most)
      throw UsageError(fmt::format("the {} ranks of a node need {} of memory; it has {}", ranks,
                                   shown_bytes(all), shown_bytes(most)));
  });
}

}  // namespace spnode::app

// train: data, model, objectives, trainer; the best model on the validation data is written.
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "app/commands/commands.hpp"
#include "app/commands/further_data.hpp"
#include "app/commands/memory.hpp"
#include "app/commands/support.hpp"
#include "app/commands/training_files.hpp"
#include "app/data_set.hpp"
#include "app/deck/check.hpp"
#include "app/model_store.hpp"
#include "app/progress.hpp"
#include "core/support/stored_precision.hpp"
#include "core/support/text.hpp"
#include "core/vector_field/equations.hpp"
#include "core/vector_field/time_unit.hpp"
#include "io/data_identity.hpp"
#include "spectral/spectrum.hpp"
#include "training/batch_objective.hpp"
#include "training/objectives.hpp"
#include "training/projection.hpp"
#include "training/signals.hpp"
#include "training/start/initial_model.hpp"
#include "training/start/scaling.hpp"
#include "training/start/statistics.hpp"
#include "training/start/trials.hpp"
#include "training/trainer.hpp"

namespace spnode::app {

namespace {

/// A training in the coordinates of a linear decoder that does not learn.
struct Projected {
  training::LatentProjection projection;
  std::unique_ptr<core::Model> model;  ///< that of the states, to be written
  std::optional<training::DataSet> states =
      {};  ///< the training data as they were, where more starts need them
};

/// Puts model, parameters and data into the coordinates of the decoder, if it is such a one; says what they
/// cannot represent. Collective.
std::optional<Projected> project(const Context& context, training::InitialModel& start, DataSet& train,
                                 std::optional<DataSet>& validation) {
  const Deck& deck = context.deck;
  const core::ComponentWeights weights = deck.loss.component_weights;
  const core::Model& model = *start.model;
  if (!training::LatentProjection::suits(model.options(), model.state_dimension(),
                                         weights != core::ComponentWeights::none))
    return std::nullopt;
  const std::vector<double> of_components =
      training::component_weights(context.comm, weights, model.scaling, train);
  std::optional<Projected> projected;
  parallel::collectively(context.comm, [&] {
    projected.emplace(Projected{{model, std::move(start.theta), of_components}, nullptr});
    const training::LatentProjection& projection = projected->projection;
    projected->states.emplace(training::DataSet{train.sampler, std::move(train.data), train.time_epsilon});
    train.data = projection.project(projected->states->data);
    train.moments.reset();  // they were of the states
    if (deck.training.starts == 1 || context.line.resume) projected->states.reset();
    if (validation) validation->data = projection.project(validation->data);
    projected->model = std::move(start.model);
    start = training::projected(projection, std::move(start));
  });
  say(context.comm,
      "training in {} latent coordinates: the decoder omits a mean square of {:.3g} of the scaled states, a "
      "part of the loss that no training lowers\n",
      start.model->latent_dimension(), projected->projection.lost(context.comm, train));
  return projected;
}

std::optional<DataSet> load_validation(const Context& context, const DataSet& train, double stream_bytes) {
  const Deck& deck = context.deck;
  if (data_of(deck, Role::validation).empty()) return std::nullopt;
  DataSet set = load_data_set(context.comm, deck, Role::validation,
                              training::validation_sampler(deck.training), stream_bytes);
  require_components_of(train, set);
  return set;
}

/// The largest real part of the spectrum at theta; a warning where it breaks the bound. None (NaN) without a
/// linear part. Of large low-rank operators, and of those that depend on the state, it is left to `spnode
/// spectrum` (NaN): an eigensolver would take longer than an epoch. Collective.
double spectral_abscissa(const Context& context, const core::Model& model, std::span<const double> theta) {
  const spectral::SpectrumOptions options;
  const core::LinearStructure structure = model.linear().shape().structure;
  if (structure == core::LinearStructure::none || structure == core::LinearStructure::state_dependent ||
      (structure == core::LinearStructure::low_rank && model.linear().dimension() > options.dense_limit))
    return std::numeric_limits<double>::quiet_NaN();
  const auto report =
      spectral::compute_spectrum(context.comm, model.linear_operator(theta), model.linear().bound(), options);
  if (!report.bound_respected)
    say(context.comm, "warning: spectral abscissa {} is above model.linear.mu = {}\n",
        report.spectral_abscissa, report.bound);
  return report.spectral_abscissa;
}

/// Names the file in what is said about its states. Collective where `work` is.
template <class Work>
auto with_data_of(const std::string& path, Work&& work) {
  try {
    return work();
  } catch (const FileError& error) {
    throw FileError(path + ": " + error.what());
  }
}

/// How a start of a fast-slow model went.
std::string fast_slow_note(const training::StartFit& fit, const core::ModelOptions& options) {
  const training::FastSlowFit& steps = *fit.fast_slow;
  std::string note = "relative residuals of least squares:";
  if (steps.manifold) note += fmt::format(" slow manifold {:.2g},", *steps.manifold);
  if (steps.near)
    note += fmt::format(" its powers of epsilon {:.2g} ({} of {} windows have relaxed),", *steps.near,
                        steps.kept, steps.windows);
  const auto equations = [&](const char* of, double residual, double ridge) {
    note += fmt::format(" {} equations {:.2g}", of, residual);
    if (ridge > 1e-12) note += fmt::format(" with a ridge of {:.0e}", ridge);
  };
  equations("fast", fit.residual, fit.ridge);
  note += ",";
  equations("slow", steps.slow_residual, steps.slow_ridge);
  if (steps.moved > 0.0) note += fmt::format("; T(x) was lowered by {:.2g} to be dissipative", steps.moved);
  if (steps.dropped_T > 1e-12)
    note += fmt::format("; model.linear.rank = {} and the form of T(x) omit {:.2g} of its dependence on x",
                        options.linear.rank, steps.dropped_T);
  if (fit.dropped > 1e-12)
    note += fmt::format("; model.fast_bilinear.rank = {} omits {:.2g} of B", options.fast_bilinear.rank,
                        fit.dropped);
  return note;
}

/// How a start from the data went.
std::string start_note(const training::StartFit& fit, const core::ModelOptions& options) {
  if (fit.fast_slow) return fast_slow_note(fit, options);
  const std::string order = fit.order > 0 ? fmt::format(" of order {}", fit.order) : "";
  if (fit.method == core::Initialisation::sparse_regression)
    return fmt::format(
        "sparse regression {} keeps {} of {} coefficients and leaves a relative residual of {:.2g}",
        fit.order > 0 ? "on differences" + order : "in weak form", fit.kept, fit.coefficients, fit.residual);
  const std::string method =
      fit.method == core::Initialisation::dmd ? "dynamic mode decomposition" : "operator inference" + order;
  std::string note = fmt::format("{} leaves a relative residual of {:.2g}", method, fit.residual);
  if (fit.ridge > 1e-12) note += fmt::format(" with a ridge of {:.0e}", fit.ridge);
  if (fit.dropped > 0.0)
    note += fmt::format("; model.bilinear.rank = {} omits {:.2g} of the quadratic forms",
                        options.bilinear.rank, fit.dropped);
  if (fit.network_residual)
    note += fmt::format("; the network represents the quadratic part up to a relative error of {:.2g}",
                        *fit.network_residual);
  if (fit.network_divisor > 1.0)
    note += fmt::format(", divided by {:.2g} to keep its Lipschitz bound", fit.network_divisor);
  return note;
}

/// The unit of time that a training counts in, and the natural one of its data (0: none).
struct TimeUnit {
  double length, natural;
};

/// A start from the seed has rates and slopes of order 1 per unit of time, and the optimizers' steps are of
/// that size: warns where the training counts in another unit.
void warn_of_units(const Context& context, const DataSet& train, const TimeUnit& unit) {
  const core::ModelOptions& model = context.deck.model;
  if (model.initialisation != core::Initialisation::random || unit.natural == 0.0) return;
  const double natural = unit.natural / unit.length;
  const core::HurwitzOptions linear = core::in_time_unit(unit.length, model).linear;
  if (natural * std::max(linear.fastest_rate(), 1.0) >= 1e-3 &&
      natural * std::min(linear.slowest_rate(), 1.0) <= 1e3)
    return;
  const std::string fixed = fixed_time_unit(context.deck);
  say(context.comm,
      "warning: the states of {} change within times of {:.2g}, but the initial model at rates of {} to {}; "
      "{}\n",
      train.path, unit.natural, linear.slowest_rate() / unit.length, linear.fastest_rate() / unit.length,
      fixed.empty() ? "see data.time_unit" : "write the times in a unit of that order (" + fixed + ")");
}

/// Names components that are not constant but are taken so.
void say_constants(const Context& context, const std::string& path, const training::Moments& moments) {
  for (std::size_t c = 0; c < moments.mean.size(); ++c) {
    const bool is_said = moments.constant(c) == moments.first[c] &&
                         core::varies(moments.deviation[c], moments.mean[c], moments.epsilon[c]);
    if (is_said)
      say(context.comm,
          "warning: component {} of {} is {} in all but {:.2g} % of the states: it is taken as constant\n",
          c + 1, path, moments.first[c], 100.0 * (1.0 - moments.rest[c]));
  }
}

/// The natural unit of time of the data; says which components are taken as constant. Collective.
double survey_times(const Context& context, const DataSet& train) {
  const training::Moments moments = training::component_moments(context.comm, train);
  if (context.deck.model.scaling.kind == core::ScalingKind::component)
    say_constants(context, train.path, moments);
  return training::natural_time_unit(context.comm, train, moments);
}

/// Whether something of all states has to be known before the first step.
bool needs_all_states(const Deck& deck) {
  const core::ModelOptions& model = deck.model;
  return deck.data.time_unit == 0.0 || model.scaling.kind == core::ScalingKind::global ||
         model.scaling.kind == core::ScalingKind::component ||
         model.initialisation != core::Initialisation::random || model.autoencoder.enabled ||
         deck.loss.component_weights != core::ComponentWeights::none;
}

/// `parameters`: of the model that is written.
void say_start(const Context& context, const DataSet& train, const training::InitialModel& start,
               std::size_t parameters, const TimeUnit& unit) {
  say(context.comm, "{}: {} windows of {} intervals from {} trajectories, {} components\n", train.path,
      train.data.index().count(), train.data.index().intervals(), train.info.count, train.info.components);
  say(context.comm, "model: latent dimension {}, {} parameters; batch {}, {} steps per epoch, {} ranks\n",
      start.model->latent_dimension(), parameters, train.sampler.batch(), train.sampler.steps_per_epoch(),
      context.comm.size());
  if (unit.length != 1.0) say(context.comm, "time is counted in units of {:.3g}\n", unit.length);
  warn_of_units(context, train, unit);
  const std::string unused = unused_data(train.info, context.deck);
  if (!unused.empty()) say(context.comm, "{} contains data that are not used: {}\n", train.path, unused);
  if (start.fit && !context.line.resume)
    say(context.comm, "start: {}\n", start_note(*start.fit, start.model->options()));
}

/// The equations of a library of functions, if there is one; many are left to `spnode info`.
void say_equations(const Context& context, const StoredModel& stored) {
  const std::vector<std::string> equations = core::equations(*stored.state.model, stored.state.theta);
  std::size_t length = 0;
  for (const std::string& line : equations) length += line.size();
  constexpr std::size_t most_characters = 4000;  // a page that somebody reads
  if (length > most_characters)
    say(context.comm, "spnode info {} prints the {} equations\n", stored.path, equations.size());
  else
    for (const std::string& line : equations) say(context.comm, "{}\n", line);
}

/// The best of training.starts starts, of which `first` is that of the deck's seed. Collective.
std::vector<double> try_starts(const Context& context, const training::TrainerSetup& setup,
                               const training::DataSet& train, const core::ModelOptions& options,
                               const training::InitialModel& first,
                               const training::LatentProjection* projection) {
  const Deck& deck = context.deck;
  return training::best_start(
      context.comm, setup,
      [&](std::size_t k) {
        if (k == 0) return first.theta;
        const auto theta = training::make_initial_model(context.comm, options, deck.seed + k, train).theta;
        return projection != nullptr ? projection->reduce(theta) : theta;
      },
      [&](std::size_t k, double loss) {
        say(context.comm, "start {} of {}: validation loss {:.3e}\n", k + 1, deck.training.starts, loss);
      });
}

/// The validation loss of a start that is not trained. Collective; raises NumericalError where it is not
/// finite.
double loss_of_start(const Context& context, core::TileObjective& objective, const DataSet& set,
                     std::span<const double> theta) {
  const training::Evaluation result =
      training::BatchObjective(context.comm, objective, set.data, set.sampler).value(theta);
  if (result.finite) return result.loss.total;
  throw NumericalError("the validation loss of the initial model is not finite");
}

}  // namespace

void check_training_options(const Deck& deck) {
  training::check_optimizer_options(deck.training);
  if (deck.training.spectrum_every > 0) spectral::check_spectrum_options();
}

void train(Context& context) {
  const parallel::Communicator& comm = context.comm;
  const Deck& deck = context.deck;
  if (deck.data.train.empty()) throw UsageError("data.train is empty; name the trajectories to train on");
  check_training_options(deck);
  const Stopwatch clock;
  TrainingFiles files(context);  // refuses to overwrite results, before any work
  const training::SignalFlag signals;
  const MemoryEstimate memory = estimate_memory(context);
  require_node_memory(comm, memory);
  if (const std::string note = streaming_note(memory.streams); !note.empty()) say(comm, "{}\n", note);

  DataSet training_set =
      load_data_set(comm, deck, Role::training, training::training_sampler(deck.training, deck.seed),
                    memory.streams.training);
  std::optional<DataSet> validation_set = load_validation(context, training_set, memory.streams.validation);
  std::optional<DataSet> slow_set = load_beside(context, deck.data.slow, training_set),
                         manifold_set = load_beside(context, deck.data.manifold, training_set);
  FurtherSets further(context, training_set);
  const bool at_once = training_set.data.streamed() && !needs_all_states(deck);
  const double natural = at_once ? 0.0 : survey_times(context, training_set),
               unit = time_unit_of(deck, natural);
  const auto identity = [&comm](const core::WindowData& data) { return io::identify(comm, data); };
  DataIdentities identities = {{"validation data", validation_set ? identity(validation_set->data) : "none"}};
  if (slow_set) identities["slow data"] = identity(slow_set->data);
  if (manifold_set) identities["manifold data"] = identity(manifold_set->data);
  if (unit != 1.0) identities["unit of time"] = shortest(unit);
  if (!at_once) identities["training data"] = identity(training_set.data);
  // The times in their own unit, and no states: these are read when the first checkpoint asks.
  std::optional<core::WindowData> unread;
  if (at_once) unread.emplace(training_set.data);
  const auto identify = [identities, identity, unread] {
    DataIdentities all = identities;
    if (unread) all["training data"] = identity(*unread);
    return all;
  };
  training::count_time_in(unit, training_set);
  if (validation_set) training::count_time_in(unit, *validation_set);
  const core::ModelOptions options = core::in_time_unit(unit, deck.model);
  training::InitialModel start = with_data_of(training_set.path, [&] {
    return using_section(deck, "model", [&] {
      return training::make_initial_model(
          comm, options, deck.seed, training_set,
          {slow_set ? &*slow_set : nullptr, manifold_set ? &*manifold_set : nullptr});
    });
  });
  slow_set.reset();
  manifold_set.reset();
  const std::size_t parameters = start.theta.size();
  std::optional<Projected> projected =
      with_data_of(training_set.path, [&] { return project(context, start, training_set, validation_set); });
  const training::LatentProjection* const projection = projected ? &projected->projection : nullptr;
  const training::Objectives objectives = with_data_of(training_set.path, [&] {
    return using_section(deck, "integrator", [&] {
      return training::make_objectives(
          comm, {deck.integrator, deck.loss, deck.training.pretrain_epochs > 0, projection}, start,
          training_set, validation_set ? &*validation_set : nullptr);
    });
  });
  further.make_objectives(context, start);
  if (!context.line.resume)  // the checkpoint has its parameters
    training::choose_start(comm, *objectives.rollout, validation_set ? *validation_set : training_set, start);
  say_start(context, training_set, start, parameters, {unit, natural});
  if (!further.list().empty()) say(comm, "{}", further.description());

  training::TrainerSetup setup;
  setup.options = deck.training;
  setup.phases = training::make_phases(deck.training, objectives.reconstruction.get(),
                                       objectives.rollout.get(), further.list());
  setup.train = {&training_set.data, &training_set.sampler};
  if (validation_set) setup.validation = {&validation_set->data, &validation_set->sampler};
  if (deck.training.starts > 1 && !context.line.resume)
    start.theta =
        try_starts(context, setup, projected ? *projected->states : training_set, options, start, projection);
  if (projected) projected->states.reset();
  training::TrainerState state = files.starting_state(start.theta, identify);
  const core::Model& trained = projected ? *projected->model : *start.model;
  StoredModel stored{
      in_run(deck, "model.h5"), deck, {core::in_data_time(unit, deck.model, trained), {}, deck.integrator}};
  const core::Model& model = *stored.state.model;
  const auto written = [&](std::span<const double> theta) {
    return model.scaled_rates(
        1.0 / unit, projected ? projection->expand(theta) : std::vector<double>(theta.begin(), theta.end()));
  };
  files.write_parameters_as(written);
  ProgressDisplay display(comm);
  double abscissa = std::numeric_limits<double>::quiet_NaN();
  setup.hooks.progress = [&](const training::Progress& progress) { display.step(progress); };
  setup.hooks.checkpoint = [&](const training::TrainerState& reached) {
    files.checkpoint(reached);
    const bool ended = reached.phase == setup.phases.size();  // then finish() writes the model
    if (!ended) files.keep_best(stored, reached, TrainingFiles::Writing::at_once);
  };
  setup.hooks.best = [&](const training::TrainerState& reached) {
    files.keep_best(stored, reached, TrainingFiles::Writing::when_due);
  };
  setup.hooks.spectrum = [&](std::uint64_t, std::span<const double> theta) {
    abscissa = spectral_abscissa(context, model, written(theta));
  };
  setup.hooks.history = [&](const training::EpochRecord& record) {
    display.epoch(record);
    files.record(record, abscissa);
    abscissa = std::numeric_limits<double>::quiet_NaN();
  };
  setup.signals = &signals;
  training::Trainer(comm, setup).run(state);
  display.finish();
  if (setup.phases.empty())
    state.best_loss = loss_of_start(context, *objectives.rollout,
                                    validation_set ? *validation_set : training_set, state.best_theta);

  files.finish(stored, state);
  say(comm, "{}: best validation loss {:.3e} at epoch {} of {} [{:.1f} s]\n", stored.path, state.best_loss,
      state.best_epoch, state.epochs, clock.seconds());
  if (state.best_epoch == 0 && state.epochs > 0)
    say(comm, "the model is that of the start: no epoch has a smaller loss\n");
  say_equations(context, stored);
}

}  // namespace spnode::app

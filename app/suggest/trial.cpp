#include "app/suggest/trial.hpp"

#include <utility>

#include "app/commands/evaluation.hpp"
#include "app/commands/support.hpp"
#include "app/data_set.hpp"
#include "app/deck/check.hpp"
#include "core/vector_field/time_unit.hpp"
#include "training/objectives.hpp"
#include "training/start/initial_model.hpp"
#include "training/start/statistics.hpp"
#include "training/trainer.hpp"

namespace spnode::app {

namespace {

/// Thrown by all ranks together.
struct TimeIsUp {};

/// Rank 0's clock decides for all. Collective.
void require_time(const parallel::Communicator& comm, const Stopwatch& clock, double seconds) {
  int over = clock.seconds() > seconds ? 1 : 0;
  MPI_Bcast(&over, 1, MPI_INT, 0, comm.handle());
  if (over != 0) throw TimeIsUp{};
}

/// The best model that the deck's training finds in the time.
StoredModel train_for(const parallel::Communicator& comm, const Deck& deck, const core::Trajectories& train,
                      const core::Trajectories& held_out, double seconds) {
  const Stopwatch clock;
  training::DataSet training_set = training::share_trajectories(
      comm, train, deck.data.windows, training::training_sampler(deck.training, deck.seed));
  training::DataSet validation_set = training::share_trajectories(
      comm, held_out, deck.data.windows, training::validation_sampler(deck.training));
  const double unit = time_unit_of(
      deck, training::natural_time_unit(comm, training_set, training::component_moments(comm, training_set)));
  for (training::DataSet* set : {&training_set, &validation_set}) training::count_time_in(unit, *set);
  training::InitialModel start = using_section(deck, "model", [&] {
    return training::make_initial_model(comm, core::in_time_unit(unit, deck.model), deck.seed, training_set);
  });
  const training::Objectives objectives = using_section(deck, "integrator", [&] {
    return training::make_objectives(comm, {deck.integrator, deck.loss, false}, start, training_set,
                                     &validation_set);
  });
  training::choose_start(comm, *objectives.rollout, validation_set, start);
  training::TrainerState state = training::TrainerState::start(start.theta);
  training::TrainerSetup setup;
  setup.options = deck.training;
  setup.phases = training::make_phases(deck.training, nullptr, objectives.rollout.get());
  setup.train = {&training_set.data, &training_set.sampler};
  setup.validation = {&validation_set.data, &validation_set.sampler};
  setup.hooks.history = [&](const training::EpochRecord&) { require_time(comm, clock, seconds); };
  try {
    training::Trainer(comm, setup).run(state);
  } catch (const TimeIsUp&) {
  }
  auto model = core::in_data_time(unit, deck.model, *start.model);
  std::vector<double> theta = model->scaled_rates(1.0 / unit, state.best_theta);
  return {"", deck, {std::move(model), std::move(theta), deck.integrator}};
}

TrajectoryShare share_of(const parallel::Communicator& comm, const core::Trajectories& all) {
  TrajectoryShare share;
  share.info.count = all.count;
  share.info.times = all.times;
  share.info.components = all.components;
  share.range = parallel::share(all.count, comm.size(), comm.rank());
  share.held = core::select_trajectories(all, share.range.begin, share.range.size());
  return share;
}

}  // namespace

bool better(const Trial& one, const Trial& other) {
  if (one.failure.empty() != other.failure.empty()) return one.failure.empty();
  if (one.diverged != other.diverged) return one.diverged < other.diverged;
  constexpr double lost = 0.3;  // forecasts that left the truth: their errors say little
  if (one.error > lost && other.error > lost) return one.valid > other.valid;
  constexpr double exact = 1e-8;  // beyond it nothing is gained
  return other.error > exact && one.error < 0.5 * other.error;
}

Trial run_trial(const parallel::Communicator& comm, const Deck& deck, const core::Trajectories& train,
                const core::Trajectories& held_out, double seconds) {
  const Stopwatch clock;
  Trial trial;
  trial.forecasts = held_out.count;
  try {
    const StoredModel model = train_for(comm, deck, train, held_out, seconds);
    const TrajectoryShare share = share_of(comm, held_out);
    core::Trajectories forecast = share.held;
    const ForecastRun run{.substeps = deck.integrator.substeps, .precision = deck.model.precision};
    forecast_share(comm, model, run, forecast);
    const EvaluatedForecasts found = measure_forecasts(comm, deck.evaluate, model, share, forecast, nullptr);
    trial.error = found.normalised_rms_error;
    trial.diverged = found.mean.diverged;
    trial.valid = found.mean.valid_time / (found.time.back() - found.time.front());
  } catch (const Error& error) {
    if (error.status() == ExitStatus::internal_error) throw;
    trial.failure = error.what();
  }
  trial.seconds = clock.seconds();
  return trial;
}

}  // namespace spnode::app

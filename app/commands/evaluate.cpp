// evaluate: errors of forecasts over a data set, valid prediction time, step consistency.
#include <algorithm>

#include "app/commands/commands.hpp"
#include "app/commands/evaluation_report.hpp"
#include "app/commands/support.hpp"
#include "app/forecasting.hpp"
#include "core/metrics/mean_metrics.hpp"
#include "io/output_directory.hpp"
#include "parallel/exact_sum.hpp"

namespace spnode::app {

namespace {

/// Forecasts that are kept beside the truth for pictures.
constexpr std::size_t kept_forecasts = 64;

/// Forecasts of this rank, as trained and with half the step.
struct Forecasts {
  core::Trajectories trained;
  std::optional<core::Trajectories> halved;
  std::vector<core::TrajectoryMetrics> metrics;
};

core::ForecastPair pair_of(const core::Trajectories& forecast, const core::Trajectories& truth,
                           std::size_t n) {
  const std::size_t size = truth.times * truth.components;
  return {std::span(truth.time).subspan(truth.shared_time ? 0 : n * truth.times, truth.times),
          std::span(forecast.state).subspan(n * size, size), std::span(truth.state).subspan(n * size, size)};
}

Forecasts compute_forecasts(const Context& context, const StoredModel& model, const TrajectoryShare& share) {
  const std::size_t substeps = model.deck.integrator.substeps;
  const core::Precision precision = context.deck.model.precision;
  Forecasts forecasts;
  forecasts.trained = share.held;
  forecast_share(context.comm, model, {substeps, precision}, forecasts.trained);
  if (context.deck.evaluate.step_consistency) {
    forecasts.halved = share.held;
    forecast_share(context.comm, model, {2 * substeps, precision}, *forecasts.halved);
  }
  for (std::size_t n = 0; n < share.held.count; ++n)
    forecasts.metrics.push_back(
        core::measure(pair_of(forecasts.trained, share.held, n), context.deck.evaluate.threshold));
  return forecasts;
}

/// Means over the trajectories of all ranks. Collective.
core::MeanMetrics mean_over_ranks(const Context& context, const TrajectoryShare& share,
                                  const Forecasts& forecasts) {
  std::vector<double> rows;
  for (std::size_t n = 0; n < share.held.count; ++n) {
    std::optional<core::StepConsistency> consistency;
    if (forecasts.halved)
      consistency = core::compare_steps(pair_of(forecasts.trained, *forecasts.halved, n),
                                        context.deck.evaluate.threshold);
    const std::vector<double> row = core::summands(forecasts.metrics[n], consistency);
    rows.insert(rows.end(), row.begin(), row.end());
  }
  const auto sums = parallel::exact_sum(context.comm, rows, core::summand_count(share.info.times));
  if (!sums) throw NumericalError("the errors of the forecasts are too large to be added");
  return core::mean_metrics(*sums);
}

/// The time axis of trajectory 0 on every rank. Collective.
std::vector<double> first_time_axis(const parallel::Communicator& comm, const TrajectoryShare& share) {
  std::vector<double> time(share.info.times);
  if (comm.is_root()) std::copy_n(share.held.time.begin(), time.size(), time.begin());
  MPI_Bcast(time.data(), static_cast<int>(time.size()), MPI_DOUBLE, 0, comm.handle());
  return time;
}

/// The trajectories `kept` of a set.
core::Trajectories subset(const core::Trajectories& all, const std::vector<std::size_t>& kept) {
  core::Trajectories some;
  some.count = kept.size();
  some.times = all.times;
  some.components = all.components;
  some.shared_time = all.shared_time;
  if (all.shared_time) some.time = all.time;
  for (const std::size_t n : kept) {
    const double* state = all.state_at(n, 0);
    some.state.insert(some.state.end(), state, state + all.times * all.components);
    if (!all.shared_time)
      some.time.insert(some.time.end(), &all.time[n * all.times], &all.time[n * all.times] + all.times);
  }
  return some;
}

/// RUN/forecast.h5: the first forecasts that stayed finite, beside the truth. Collective.
void write_forecasts(const Context& context, const TrajectoryShare& share, const Forecasts& forecasts,
                     const std::string& path) {
  const parallel::Communicator& comm = context.comm;
  std::vector<std::size_t> kept;
  for (std::size_t n = 0; n < share.held.count; ++n)
    if (share.range.begin + n < kept_forecasts && !forecasts.metrics[n].diverged) kept.push_back(n);
  std::uint64_t mine = kept.size(), before = 0, all = 0;
  MPI_Exscan(&mine, &before, 1, MPI_UINT64_T, MPI_SUM, comm.handle());
  if (comm.is_root()) before = 0;  // MPI_Exscan leaves it undefined there
  MPI_Allreduce(&mine, &all, 1, MPI_UINT64_T, MPI_SUM, comm.handle());
  if (all == 0) return;
  io::TrajectoryInfo info = share.info;
  info.count = all;
  info.state_type = io::hdf5::ElementType::float64;
  info.parameters.clear();
  info.truth = io::Truth::present;
  io::TrajectoryWriter writer(comm, path, info, overwrite(context));
  writer.write(before, subset(forecasts.trained, kept));
  writer.write_truth(before, subset(share.held, kept));
  writer.commit();
}

}  // namespace

void evaluate(Context& context) {
  const parallel::Communicator& comm = context.comm;
  const Deck& deck = context.deck;
  const std::string csv = in_run(deck, "metrics.csv"), forecast_file = in_run(deck, "forecast.h5");
  for (const std::string& path : {csv, forecast_file}) io::check_overwrite(comm, path, overwrite(context));
  const std::string data = either(deck.evaluate.data, deck.data.test);
  if (data.empty())
    throw UsageError("evaluate.data and data.test are empty; name trajectories to compare with");

  const StoredModel model = load_model(comm, either(deck.evaluate.model, in_run(deck, "model.h5")));
  const TrajectoryShare share = read_share(comm, data, deck.evaluate.trajectories, model);
  const Forecasts forecasts = compute_forecasts(context, model, share);
  const core::MeanMetrics mean = mean_over_ranks(context, share, forecasts);
  const std::vector<double> time = first_time_axis(comm, share);

  io::prepare_output_directory(comm, deck.output);
  io::write_text(comm, csv, metrics_csv(mean, deck.evaluate.threshold, time), overwrite(context));
  write_forecasts(context, share, forecasts, forecast_file);
  say(comm, "{}", metrics_table(mean, deck.evaluate.threshold, time));
  require_accuracy(deck.evaluate, mean);
}

}  // namespace spnode::app

// evaluate: errors of forecasts over a data set, step consistency, statistics.
#include <algorithm>
#include <optional>

#include "app/commands/commands.hpp"
#include "app/commands/evaluation.hpp"
#include "app/commands/evaluation_report.hpp"
#include "app/commands/outputs.hpp"
#include "app/commands/support.hpp"
#include "app/data_set.hpp"
#include "core/forecast/jacobian_products.hpp"
#include "io/output_directory.hpp"

namespace spnode::app {

namespace {

/// Forecasts that are kept beside the truth for pictures.
constexpr std::size_t kept_forecasts = 64;

std::string metrics_file(const Deck& deck) { return in_run(deck, "metrics.csv"); }
std::string forecast_file(const Deck& deck) { return in_run(deck, "forecast.h5"); }
std::string statistics_file(const Deck& deck) { return in_run(deck, "statistics.h5"); }

/// The trajectories `kept` of a set, whose inputs are given at its times.
core::Trajectories subset(const core::Trajectories& all, const std::vector<std::size_t>& kept) {
  core::Trajectories some;
  some.count = kept.size();
  some.times = all.times;
  some.components = all.components;
  some.shared_time = all.shared_time;
  if (all.shared_time) some.time = all.time;
  for (const auto& [name, values] : all.parameters)
    for (const std::size_t n : kept) some.parameters[name].push_back(values[n]);
  for (const auto& [name, values] : all.inputs)
    for (const std::size_t n : kept)
      some.inputs[name].insert(some.inputs[name].end(), &values[n * all.times],
                               &values[n * all.times] + all.times);
  for (const std::size_t n : kept) {
    const double* state = all.state_at(n, 0);
    some.state.insert(some.state.end(), state, state + all.times * all.components);
    if (!all.shared_time)
      some.time.insert(some.time.end(), &all.time[n * all.times], &all.time[n * all.times] + all.times);
  }
  return some;
}

/// RUN/forecast.h5: the first forecasts that stayed finite, beside the truth. Collective.
void write_forecasts(const Context& context, const TrajectoryShare& share, const core::Trajectories& forecast,
                     const std::string& path) {
  const parallel::Communicator& comm = context.comm;
  const std::vector<bool> finite = stayed_finite(forecast);
  std::vector<std::size_t> kept;
  for (std::size_t n = 0; n < share.held.count; ++n)
    if (share.range.begin + n < kept_forecasts && finite[n]) kept.push_back(n);
  std::uint64_t mine = kept.size(), before = 0, all = 0;
  MPI_Exscan(&mine, &before, 1, MPI_UINT64_T, MPI_SUM, comm.handle());
  if (comm.is_root()) before = 0;  // MPI_Exscan leaves it undefined there
  MPI_Allreduce(&mine, &all, 1, MPI_UINT64_T, MPI_SUM, comm.handle());
  if (all == 0) return;
  io::TrajectoryInfo info = share.info;
  info.count = all;
  info.state_type = io::hdf5::ElementType::float64;
  info.derivatives = io::Derivatives::absent;
  info.tangents = 0;
  info.truth = io::Truth::present;
  io::TrajectoryWriter writer(comm, path, info, overwrite(context));
  writer.write(before, subset(forecast, kept));
  writer.write_truth(before, subset(share.held, kept));
  writer.commit();
}

/// The model as it was trained, with its steps divided by `refinement`.
ForecastRun run_of(const Deck& deck, const StoredModel& model, std::size_t refinement = 1) {
  const EvaluateOptions& options = deck.evaluate;
  ForecastRun run = {refinement * model.deck.integrator.substeps, deck.model.precision, 0.0, options.mode,
                     options.hybrid};
  run.hybrid.fast_step /= static_cast<double>(refinement);
  return run;
}

core::Trajectories forecast_of(const Context& context, const StoredModel& model, const TrajectoryShare& share,
                               const ForecastRun& run, std::optional<ManifoldTimes>* times = nullptr) {
  core::Trajectories forecast = share.held;
  const std::vector<double> to_manifold = forecast_share(context.comm, model, run, forecast);
  if (times != nullptr && run.mode == core::ForecastMode::hybrid)
    *times = manifold_times(context.comm, to_manifold);
  return forecast;
}

/// The column of evaluate.fine_data.
EvaluatedForecasts evaluate_fine(const Context& context, const StoredModel& model) {
  const EvaluateOptions& options = context.deck.evaluate;
  const TrajectoryShare share =
      read_share(context.comm, source_of(context.deck, options.fine_data), options.trajectories, model);
  const core::Trajectories forecast = forecast_of(context, model, share, run_of(context.deck, model));
  return measure_forecasts(context.comm, options, model, share, forecast, nullptr);
}

void require_fit(const EvaluateOptions& options, const TrajectoryShare& share) {
  if (options.spatial_period > 0.0 && share.info.components < 4)
    throw UsageError("evaluate.spatial_period: states of " + std::to_string(share.info.components) +
                     " components are not a periodic grid; at least 4 are needed");
  if (!options.conserved.empty() && options.conserved.size() != share.info.components)
    throw UsageError("evaluate.conserved has " + std::to_string(options.conserved.size()) +
                     " weights; the states have " + std::to_string(share.info.components) + " components");
}

}  // namespace

std::vector<std::string> evaluation_files(const Deck& deck) {
  std::vector<std::string> files = {metrics_file(deck), forecast_file(deck)};
  if (deck.evaluate.spatial_period > 0.0) files.push_back(statistics_file(deck));
  return files;
}

void repeat_evaluation_check(Context& context) {
  const EvaluateOptions& options = context.deck.evaluate;
  if (options.require_valid_time == 0.0 && options.require_error == 0.0) return;
  const std::string path = metrics_file(context.deck);
  const Accuracy accuracy = read_accuracy(context.comm, path);
  if (options.require_valid_time > 0.0 && accuracy.threshold != options.threshold)
    throw UsageError(fmt::format(
        "{} contains valid prediction times for evaluate.threshold: {}; the deck says {}. Evaluate "
        "again with --overwrite",
        path, accuracy.threshold, options.threshold));
  require_accuracy(options, accuracy);
}

void evaluate(Context& context) {
  const parallel::Communicator& comm = context.comm;
  const Deck& deck = context.deck;
  const EvaluateOptions& options = deck.evaluate;
  const io::DataSource data = source_of(deck, either(options.data, deck.data.test));
  if (data.empty())
    throw UsageError("evaluate.data and data.test are empty; name trajectories to compare with");

  const std::string model_path = either(options.model, in_run(deck, "model.h5"));
  check_outputs(context,
                {deck_file(context),
                 {"the data", data},
                 {"evaluate.fine_data", options.fine_data},
                 {"the model", model_path}},
                results(evaluation_files(deck)));

  const StoredModel model = load_model(comm, model_path);
  const TrajectoryShare share = read_share(comm, data, options.trajectories, model);
  require_fit(options, share);
  const ForecastRun run = run_of(deck, model);
  Evaluation found;
  const core::Trajectories forecast = forecast_of(context, model, share, run, &found.manifold_times);
  const core::IntegratorOptions& scheme = model.deck.integrator;
  const bool has_steps = scheme.scheme != core::Scheme::map && scheme.tolerance == 0.0;  // to be halved
  if (options.step_consistency && has_steps) {
    const core::Trajectories halved = forecast_of(context, model, share, run_of(deck, model, 2));
    found.halved = measure_forecasts(comm, options, model, share, halved, nullptr);
    found.trained = measure_forecasts(comm, options, model, share, forecast, &halved);
  } else {
    found.trained = measure_forecasts(comm, options, model, share, forecast, nullptr);
  }
  if (!options.fine_data.empty()) found.fine = evaluate_fine(context, model);
  if (options.spatial_period > 0.0)
    found.fields = measure_fields(comm, options.spatial_period, share, forecast);
  if (share.info.tangents > 0 && core::JacobianProducts::defined_for(model.state.model->options()))
    found.jacobian = measure_jacobian(comm, model, data, share);
  if (options.long_run > 0.0) found.long_run = run_long(comm, model, run, share, options.long_run);

  io::prepare_output_directory(comm, deck.output);
  io::write_text(comm, metrics_file(deck), metrics_csv(found, options), overwrite(context));
  write_forecasts(context, share, forecast, forecast_file(deck));
  if (found.fields) write_statistics(comm, statistics_file(deck), *found.fields, overwrite(context));
  say(comm, "{}", metrics_table(found, options));
  require_accuracy(options, accuracy_of(found, options));
  const core::MeanMetrics& mean = found.trained.mean;
  if (mean.diverged == mean.trajectories)
    throw NumericalError(fmt::format("all {} forecasts diverged", mean.trajectories));
}

}  // namespace spnode::app

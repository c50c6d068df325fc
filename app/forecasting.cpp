#include "app/forecasting.hpp"

#include <algorithm>
#include <cmath>
#include <span>

#include "app/data_set.hpp"
#include "app/deck/check.hpp"
#include "core/support/memory_limit.hpp"
#include "parallel/exact_sum.hpp"
#include "training/objectives.hpp"

namespace spnode::app {

io::TrajectoryInfo inspect_share(const parallel::Communicator& comm, const io::DataSource& path,
                                 std::size_t limit, const StoredModel& model) {
  io::TrajectoryInfo info = inspect_data(comm, path);
  const std::size_t needed = model.state.model->state_dimension();
  if (info.components != needed)
    throw FileError(path + ": /state has " + std::to_string(info.components) + " components; the model " +
                    model.path + " is for " + std::to_string(needed));
  require_arguments(path, info, model.state.model->options().arguments);
  if (limit > 0) info.count = std::min(info.count, limit);
  return info;
}

TrajectoryShare read_share(const parallel::Communicator& comm, const io::DataSource& path, std::size_t limit,
                           const StoredModel& model, io::Content content) {
  TrajectoryShare share;
  share.info = inspect_share(comm, path, limit, model);
  share.range = parallel::share(share.info.count, comm.size(), comm.rank());
  parallel::collectively(comm, [&] {
    constexpr double copies = 3.0;  // beside the truth its forecast, and that with half the step
    core::require_memory(copies * static_cast<double>(share.range.size()) *
                             static_cast<double>(share.info.times * share.info.components) * sizeof(double),
                         path + ": a rank's trajectories with their forecasts");
  });
  share.held = io::read_trajectories(comm, path, share.range.begin, share.range.size(), {.content = content});
  parallel::collectively(comm, [&] { require_values(path, share.held, model.state.model->options(), 1); });
  return share;
}

std::unique_ptr<core::Forecaster> make_forecaster(const parallel::Communicator& comm,
                                                  const StoredModel& model, const ForecastRun& run,
                                                  const std::vector<double>& steps) {
  const std::vector<double> all = training::union_of_steps(comm, steps);
  std::unique_ptr<core::Forecaster> forecaster;
  parallel::collectively(comm, [&] {
    core::ForecastOptions options;
    options.integrator = model.deck.integrator;
    options.integrator.substeps = run.substeps;
    options.tolerance = run.tolerance;
    options.mode = run.mode;
    options.hybrid = run.hybrid;
    using_section(model.deck, "integrator", [&] {
      core::with_tile_scalar(run.precision, [&]<class Real>() {
        forecaster = std::make_unique<core::BasicForecaster<Real>>(*model.state.model, model.state.theta,
                                                                   options, all);
      });
    });
  });
  return forecaster;
}

std::vector<double> forecast_share(const parallel::Communicator& comm, const StoredModel& model,
                                   const ForecastRun& run, core::Trajectories& trajectories) {
  std::vector<double> steps;
  parallel::collectively(comm, [&] {
    if (trajectories.times > 1) steps = core::forecast_steps(trajectories, run.substeps, run.fast_step());
  });
  const auto forecaster = make_forecaster(comm, model, run, steps);
  parallel::collectively(comm, [&] { forecaster->run(trajectories); });
  const std::span<const double> reached = forecaster->manifold_times();
  std::vector<double> times(reached.begin(), reached.end());
  for (std::size_t n = 0; n < times.size(); ++n) times[n] -= trajectories.time_at(n, 0);
  return times;
}

ManifoldTimes manifold_times(const parallel::Communicator& comm, const std::vector<double>& times) {
  enum Place : std::size_t { all, reached, sum, width };
  std::vector<double> rows(times.size() * width, 0.0);
  ManifoldTimes found;
  found.last = -1.0;
  for (std::size_t n = 0; n < times.size(); ++n) {
    double* const row = &rows[n * width];
    row[all] = 1.0;
    if (!std::isfinite(times[n])) continue;
    row[reached] = 1.0;
    row[sum] = times[n];
    found.last = std::max(found.last, times[n]);
  }
  const auto sums = parallel::exact_sum(comm, rows, width);
  if (!sums)
    throw NumericalError("the times at which forecasts reach the slow manifold are too large to be added");
  MPI_Allreduce(MPI_IN_PLACE, &found.last, 1, MPI_DOUBLE, MPI_MAX, comm.handle());
  found.trajectories = static_cast<std::size_t>((*sums)[all]);
  found.reached = static_cast<std::size_t>((*sums)[reached]);
  found.mean = (*sums)[sum] / (*sums)[reached];
  if (found.reached == 0) found.last = found.mean;
  return found;
}

std::size_t piece_intervals(const parallel::Communicator& comm, std::size_t count, std::size_t components) {
  constexpr std::size_t numbers = std::size_t{1} << 20;
  const std::size_t largest_share = parallel::share(count, comm.size(), 0).size();
  return std::max<std::size_t>(numbers / std::max<std::size_t>(largest_share * components, 1), 32);
}

core::Trajectories uniform_piece(const core::Trajectories& initial, double step, std::size_t first,
                                 std::size_t intervals) {
  core::Trajectories piece = core::without_states(initial);
  piece.missing.clear();
  piece.times = intervals + 1;
  piece.shared_time = true;
  piece.state.resize(piece.count * piece.times * piece.components);
  piece.time.clear();
  for (std::size_t i = 0; i <= intervals; ++i) piece.time.push_back(static_cast<double>(i) * step);
  piece.clock.clear();
  for (std::size_t n = 0; n < piece.count; ++n)
    piece.clock.push_back(initial.time_at(n, 0) + static_cast<double>(first) * step);
  return piece;
}

}  // namespace spnode::app

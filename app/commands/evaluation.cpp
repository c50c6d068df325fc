#include "app/commands/evaluation.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "core/forecast/jacobian_products.hpp"
#include "core/metrics/boundedness.hpp"
#include "core/metrics/component_errors.hpp"
#include "core/support/stored_precision.hpp"
#include "parallel/count.hpp"
#include "parallel/exact_sum.hpp"

namespace spnode::app {

namespace {

core::ForecastPair pair_of(const core::Trajectories& forecast, const core::Trajectories& truth,
                           std::size_t n) {
  const std::size_t size = truth.times * truth.components;
  return {std::span(truth.time).subspan(truth.shared_time ? 0 : n * truth.times, truth.times),
          std::span(forecast.state).subspan(n * size, size), std::span(truth.state).subspan(n * size, size)};
}

std::vector<double> add_over_ranks(const parallel::Communicator& comm, const std::vector<double>& rows,
                                   std::size_t width) {
  auto sums = parallel::exact_sum(comm, rows, width);
  if (!sums)
    throw NumericalError(
        "the errors of the forecasts are too large to be added: the model grows without bound");
  return std::move(*sums);
}

void take_largest(const parallel::Communicator& comm, std::span<double> values) {
  MPI_Allreduce(MPI_IN_PLACE, values.data(), parallel::mpi_count(values.size()), MPI_DOUBLE, MPI_MAX,
                comm.handle());
}

/// The time axis of trajectory 0, which rank 0 holds.
std::vector<double> first_time_axis(const parallel::Communicator& comm, const TrajectoryShare& share) {
  std::vector<double> time(share.info.times);
  if (comm.is_root()) std::copy_n(share.held.time.begin(), time.size(), time.begin());
  MPI_Bcast(time.data(), parallel::mpi_count(time.size()), MPI_DOUBLE, 0, comm.handle());
  return time;
}

core::MeanMetrics mean_over_ranks(const parallel::Communicator& comm, double threshold,
                                  const TrajectoryShare& share, const core::Trajectories& forecast,
                                  const core::Trajectories* halved) {
  std::vector<double> rows;
  for (std::size_t n = 0; n < share.held.count; ++n) {
    std::optional<core::StepConsistency> consistency;
    if (halved != nullptr) consistency = core::compare_steps(pair_of(forecast, *halved, n), threshold);
    const std::vector<double> row =
        core::summands(core::measure(pair_of(forecast, share.held, n), threshold), consistency);
    rows.insert(rows.end(), row.begin(), row.end());
  }
  return core::mean_metrics(add_over_ranks(comm, rows, core::summand_count(share.info.times)));
}

/// EvaluatedForecasts::normalised_rms_error. Collective.
double normalised_rms_error(const parallel::Communicator& comm, const TrajectoryShare& share,
                            const core::Trajectories& forecast, const core::MeanMetrics& metrics) {
  const std::size_t m = share.info.components, count = share.held.count;
  const double states = static_cast<double>(metrics.trajectories * share.info.times),
               finite = static_cast<double>((metrics.trajectories - metrics.diverged) * share.info.times);
  std::vector<double> rows(count * m, 0.0);
  for (std::size_t n = 0; n < count; ++n)
    core::add_component_values(pair_of(forecast, share.held, n), std::span(rows).subspan(n * m, m));
  std::vector<double> mean = add_over_ranks(comm, rows, m);
  for (double& sum : mean) sum /= states;
  rows.assign(count * 2 * m, 0.0);
  std::vector<core::StoredPrecision> formats(m);
  for (std::size_t n = 0; n < count; ++n) {
    const core::ForecastPair pair = pair_of(forecast, share.held, n);
    core::add_component_squares(pair, mean, std::span(rows).subspan(n * 2 * m, 2 * m));
    for (std::size_t i = 0; i < pair.truth.size(); ++i) formats[i % m].add(pair.truth[i]);
  }
  const std::vector<double> squares = add_over_ranks(comm, rows, 2 * m);
  std::vector<double> epsilon(m);
  for (std::size_t c = 0; c < m; ++c) epsilon[c] = -formats[c].epsilon();
  take_largest(comm, epsilon);
  double sum = 0.0, varying = 0.0;
  for (std::size_t c = 0; c < m; ++c) {
    const double variance = squares[c] / states;
    if (!core::varies(std::sqrt(variance), mean[c], -epsilon[c])) continue;
    sum += squares[m + c] / finite / variance;
    varying += 1.0;
  }
  return std::sqrt(sum / varying);
}

/// The box that holds those of all ranks.
core::Box union_of_boxes(const parallel::Communicator& comm, const core::Box& mine) {
  std::array<double, 4> edges = {-mine.low_x, mine.high_x, -mine.low_y, mine.high_y};
  take_largest(comm, edges);
  return {-edges[0], edges[1], -edges[2], edges[3]};
}

core::NormStatistics norms_of(const core::Trajectories& states, std::size_t n) {
  core::NormStatistics norms;
  norms.add({states.state_at(n, 0), states.times * states.components}, states.components);
  return norms;
}

/// Norms of this rank's long forecasts, piece by piece.
std::vector<core::NormStatistics> watch(const parallel::Communicator& comm, core::Forecaster& forecaster,
                                        const TrajectoryShare& share, double step, std::size_t intervals) {
  std::vector<core::NormStatistics> norms(share.held.count);
  parallel::collectively(comm, [&] {
    std::vector<double> latent = forecaster.encode(share.held);
    const std::size_t most = piece_intervals(comm, share.info.count, share.info.components);
    for (std::size_t first = 0; first < intervals; first += most) {
      core::Trajectories piece = uniform_piece(share.held, step, first, std::min(most, intervals - first));
      forecaster.run(piece, latent);
      for (std::size_t n = 0; n < piece.count; ++n)
        norms[n].add({piece.state_at(n, 1), (piece.times - 1) * piece.components}, piece.components);
    }
  });
  return norms;
}

}  // namespace

EvaluatedForecasts measure_forecasts(const parallel::Communicator& comm, const EvaluateOptions& options,
                                     const StoredModel& model, const TrajectoryShare& share,
                                     const core::Trajectories& forecast, const core::Trajectories* halved) {
  EvaluatedForecasts found;
  found.time = first_time_axis(comm, share);
  found.components = share.info.components;
  found.mean = mean_over_ranks(comm, options.threshold, share, forecast, halved);
  found.normalised_rms_error = normalised_rms_error(comm, share, forecast, found.mean);
  found.component_error.assign(share.info.times * share.info.components, 0.0);
  double drift = 0.0;
  for (std::size_t n = 0; n < share.held.count; ++n) {
    const core::ForecastPair pair = pair_of(forecast, share.held, n);
    core::raise_component_errors(pair, model.state.model->scaling.scale, found.component_error);
    if (!options.conserved.empty()) drift = std::max(drift, core::conserved_drift(pair, options.conserved));
  }
  take_largest(comm, found.component_error);
  take_largest(comm, {&drift, 1});
  if (!options.conserved.empty()) found.conserved_drift = drift;
  return found;
}

core::FieldStatistics measure_fields(const parallel::Communicator& comm, double period,
                                     const TrajectoryShare& share, const core::Trajectories& forecast) {
  const core::PeriodicGrid grid(share.info.components, period);
  const core::Box box = union_of_boxes(comm, core::derivative_box(grid, share.held));
  const core::FieldPair pair = {forecast, share.held, share.range.begin};
  std::vector<std::uint64_t> counts = core::derivative_counts(grid, box, pair);
  MPI_Allreduce(MPI_IN_PLACE, counts.data(), parallel::mpi_count(counts.size()), MPI_UINT64_T, MPI_SUM,
                comm.handle());
  const std::vector<double> energies =
      add_over_ranks(comm, core::energy_rows(grid, pair), core::energy_width(grid));
  return core::field_statistics(grid, box, counts, energies);
}

LongRun run_long(const parallel::Communicator& comm, const StoredModel& model, const ForecastRun& run,
                 const TrajectoryShare& share, double length) {
  const std::vector<double> time = first_time_axis(comm, share);
  if (time.size() < 2) throw UsageError("evaluate.long_run: data of one time have no interval to step by");
  const double step = time[1] - time[0];
  const double wanted = std::ceil(length / std::abs(step) * (1.0 - 1e-12));
  constexpr double most = std::numeric_limits<std::int32_t>::max();
  if (wanted > most)
    throw UsageError(fmt::format("evaluate.long_run = {} are {} of the data's intervals of {}; at most {}",
                                 length, wanted, std::abs(step), most));
  const auto intervals = static_cast<std::size_t>(wanted);
  const auto forecaster =
      make_forecaster(comm, model, run, core::forecast_steps(step, run.substeps, run.fast_step()));
  const auto norms = watch(comm, *forecaster, share, step, intervals);

  enum Place : std::size_t { all, finite, square, true_square, width };
  std::vector<double> rows(norms.size() * width, 0.0);
  std::array<double, 2> largest = {0.0, 0.0};
  for (std::size_t n = 0; n < norms.size(); ++n) {
    const core::NormStatistics truth = norms_of(share.held, n);
    double* const row = &rows[n * width];
    row[all] = 1.0;
    row[finite] = norms[n].finite() ? 1.0 : 0.0;
    row[square] = norms[n].finite() ? norms[n].mean_square() : 0.0;
    row[true_square] = truth.mean_square();
    largest = {std::max(largest[0], norms[n].largest()), std::max(largest[1], truth.largest())};
  }
  const std::vector<double> sums = add_over_ranks(comm, rows, width);
  take_largest(comm, largest);
  LongRun found;
  found.length = static_cast<double>(intervals) * std::abs(step);
  found.unbounded = static_cast<std::size_t>(sums[all] - sums[finite]);
  found.largest_norm = largest[0] / largest[1];
  found.root_mean_square = std::sqrt(sums[square] / sums[finite] / (sums[true_square] / sums[all]));
  return found;
}

JacobianError measure_jacobian(const parallel::Communicator& comm, const StoredModel& model,
                               const io::DataSource& path, const TrajectoryShare& share) {
  const core::Trajectories data = io::read_trajectories(comm, path, share.range.begin, share.range.size(),
                                                        {.tangents = io::Tangents::read});
  enum Place : std::size_t { states, scaled, difference, truth, width };
  std::vector<double> rows(data.count * width, 0.0);
  parallel::collectively(comm, [&] {
    const std::size_t m = data.components, vectors = data.times * data.tangents;
    core::JacobianProducts jacobian(*model.state.model, model.state.theta);
    std::vector<double> products(vectors * m);
    for (std::size_t n = 0; n < data.count; ++n) {
      jacobian.compute(data, n, products);
      const double* const v = &data.directions[data.tangents_at(n, 0)];
      const double* const Jv = &data.products[data.tangents_at(n, 0)];
      double* const row = &rows[n * width];
      row[states] = static_cast<double>(data.times);
      for (std::size_t k = 0; k < vectors; ++k) {
        double length = 0.0, error = 0.0;
        for (std::size_t i = k * m; i < (k + 1) * m; ++i) {
          length += v[i] * v[i];
          error += (products[i] - Jv[i]) * (products[i] - Jv[i]);
          row[truth] += Jv[i] * Jv[i];
        }
        row[difference] += error;
        // The mean of |J v|^2 over unit vectors v is the square of the Frobenius norm over m.
        if (length > 0.0)
          row[scaled] += static_cast<double>(m) / static_cast<double>(data.tangents) * error / length;
      }
    }
  });
  const std::vector<double> sums = add_over_ranks(comm, rows, width);
  return {sums[scaled] / sums[states], std::sqrt(sums[difference] / sums[truth])};
}

std::vector<bool> stayed_finite(const core::Trajectories& forecast) {
  std::vector<bool> finite;
  for (std::size_t n = 0; n < forecast.count; ++n)
    finite.push_back(std::all_of(forecast.state_at(n, 0),
                                 forecast.state_at(n, 0) + forecast.times * forecast.components,
                                 [](double x) { return std::isfinite(x); }));
  return finite;
}

}  // namespace spnode::app

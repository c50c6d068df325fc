#pragma once
/// Forecasts of a stored model, spread over ranks.

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "app/model_store.hpp"
#include "core/data/trajectories.hpp"
#include "core/forecast/forecast.hpp"
#include "io/trajectories.hpp"
#include "parallel/communicator.hpp"
#include "parallel/partition.hpp"

namespace spnode::app {

/// This rank's share of the first trajectories of a file.
struct TrajectoryShare {
  io::TrajectoryInfo info;  ///< of what is taken; info.count: over all ranks
  parallel::Range range;    ///< trajectories of this rank
  core::Trajectories held;
};

/// What the first `limit` trajectories (0: all) of a file that fits the model hold. Collective. Raises
/// FileError where the file is unusable or its states are not those of the model.
io::TrajectoryInfo inspect_share(const parallel::Communicator& comm, const io::DataSource& path,
                                 std::size_t limit, const StoredModel& model);

/// Reads the first `limit` trajectories (0: all) of a file that fits the model, each rank its share.
/// Collective; errors as for inspect_share.
TrajectoryShare read_share(const parallel::Communicator& comm, const io::DataSource& path, std::size_t limit,
                           const StoredModel& model, io::Content content = io::Content::all);

/// How a stored model is run.
struct ForecastRun {
  std::size_t substeps;       ///< integration steps between two times
  core::Precision precision;  ///< of the deck that asks; a model may have been trained in another
  double tolerance = 0.0;     ///< of adaptive steps; 0: equal steps
  core::ForecastMode mode = core::ForecastMode::full;
  core::HybridOptions hybrid = {};

  /// HybridOptions::fast_step where it matters.
  double fast_step() const { return mode == core::ForecastMode::hybrid ? hybrid.fast_step : 0.0; }
};

/// How forecasts changed to the slow manifold.
struct ManifoldTimes {
  std::size_t trajectories = 0, reached = 0;  ///< all; those that were on it before their last time
  double mean = 0.0, last = 0.0;  ///< time from the first state on, of these; NaN where there are none
};

/// From the time that each trajectory of this rank took, infinity for never. Collective: the same bits on any
/// number of ranks.
ManifoldTimes manifold_times(const parallel::Communicator& comm, const std::vector<double>& times);

/// The model, ready for steps of the lengths `steps` (of all ranks together). Collective. Raises
/// NumericalError where the model's operators are not finite.
std::unique_ptr<core::Forecaster> make_forecaster(const parallel::Communicator& comm,
                                                  const StoredModel& model, const ForecastRun& run,
                                                  const std::vector<double>& steps);

/// Overwrites all states after the first of each trajectory by the model's forecast. Collective: the result
/// does not depend on the number of ranks. Returns, in mode hybrid, the time that each trajectory took to the
/// slow manifold, infinity for never.
std::vector<double> forecast_share(const parallel::Communicator& comm, const StoredModel& model,
                                   const ForecastRun& run, core::Trajectories& trajectories);

/// Intervals of a long forecast to be held in memory at a time, the same on all ranks: some 8 MiB of states.
std::size_t piece_intervals(const parallel::Communicator& comm, std::size_t count, std::size_t components);

/// Steps [first, first + intervals) of a forecast in equal steps for the trajectories that begin with the
/// first states of `initial`, with their parameters and inputs; its times count from 0, its states are still
/// to be computed.
core::Trajectories uniform_piece(const core::Trajectories& initial, double step, std::size_t first,
                                 std::size_t intervals);

}  // namespace spnode::app

#pragma once
/// Forecasts of a stored model, spread over ranks.

#include <cstddef>
#include <string>

#include "app/model_store.hpp"
#include "core/data/trajectories.hpp"
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

/// Reads the first `limit` trajectories (0: all) of a file that fits the model, each rank its share.
/// Collective. Raises FileError where the file is unusable or its states are not those of the model.
TrajectoryShare read_share(const parallel::Communicator& comm, const std::string& path, std::size_t limit,
                           const StoredModel& model);

/// How a stored model is run.
struct ForecastRun {
  std::size_t substeps;       ///< integration steps between two times
  core::Precision precision;  ///< of the deck that asks; a model may have been trained in another
};

/// Overwrites all states after the first of each trajectory by the model's forecast. Collective: the result
/// does not depend on the number of ranks.
void forecast_share(const parallel::Communicator& comm, const StoredModel& model, const ForecastRun& run,
                    core::Trajectories& trajectories);

}  // namespace spnode::app

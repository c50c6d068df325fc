#include "app/forecasting.hpp"

#include <algorithm>

#include "app/data_set.hpp"
#include "core/forecast.hpp"

namespace spnode::app {

TrajectoryShare read_share(const parallel::Communicator& comm, const std::string& path, std::size_t limit,
                           const StoredModel& model) {
  TrajectoryShare share;
  share.info = io::inspect_trajectories(comm, path);
  const std::size_t needed = model.state.model->state_dimension();
  if (share.info.components != needed)
    throw FileError(path + ": /state has " + std::to_string(share.info.components) +
                    " components; the model " + model.path + " is for " + std::to_string(needed));
  if (limit > 0) share.info.count = std::min(share.info.count, limit);
  share.range = parallel::share(share.info.count, comm.size(), comm.rank());
  share.held = io::read_trajectories(comm, path, share.range.begin, share.range.size());
  return share;
}

void forecast_share(const parallel::Communicator& comm, const StoredModel& model, const ForecastRun& run,
                    core::Trajectories& trajectories) {
  std::vector<double> steps;
  parallel::collectively(comm, [&] {
    if (trajectories.times > 1) steps = core::forecast_steps(trajectories, run.substeps);
  });
  steps = union_of_steps(comm, steps);
  parallel::collectively(comm, [&] {
    if (steps.empty()) return;
    core::ForecastOptions options;
    options.integrator = model.deck.integrator;
    options.integrator.substeps = run.substeps;
    core::with_tile_scalar(run.precision, [&]<class Real>() {
      core::BasicForecaster<Real>(*model.state.model, model.state.theta, options, steps).run(trajectories);
    });
  });
}

}  // namespace spnode::app

// forecast: a trajectory file computed by a model from the initial states of another one.
#include "app/commands/commands.hpp"
#include "app/commands/support.hpp"
#include "app/forecasting.hpp"

namespace spnode::app {

namespace {

/// The times after the initial state's own that the deck asks for; empty: those of the data.
std::vector<double> requested_times(const ForecastOptions& options, double start) {
  if (!options.times.empty()) return options.times;
  std::vector<double> times;
  if (options.steps > 0)
    for (std::size_t i = 0; i <= options.steps; ++i)
      times.push_back(start + static_cast<double>(i) * options.step);
  return times;
}

void require_start(const ForecastOptions& options, const io::TrajectoryInfo& info, const std::string& path) {
  const bool own_times = options.times.empty() && options.steps == 0;
  const std::size_t needed = options.start + (own_times ? 2 : 1);
  if (needed > info.times)
    throw UsageError("forecast.start = " + std::to_string(options.start) + ", but " + path + " has " +
                     std::to_string(info.times) + " times" + (own_times ? " and one more is needed" : ""));
}

/// Trajectories that begin with the requested states; the states at later times are still to be computed.
core::Trajectories prepare(const ForecastOptions& options, const core::Trajectories& data) {
  core::Trajectories grid = data;
  const bool own_times = options.times.empty() && options.steps == 0;
  grid.shared_time = data.shared_time || !options.times.empty();
  grid.times = own_times ? data.times - options.start : std::max(options.times.size(), options.steps + 1);
  grid.state.assign(grid.count * grid.times * grid.components, 0.0);
  grid.time.clear();
  for (std::size_t n = 0; n < (grid.shared_time ? 1 : grid.count); ++n) {
    std::vector<double> times = requested_times(options, data.time_at(n, options.start));
    for (std::size_t t = options.start; own_times && t < data.times; ++t) times.push_back(data.time_at(n, t));
    grid.time.insert(grid.time.end(), times.begin(), times.end());
  }
  for (std::size_t n = 0; n < grid.count; ++n)
    std::copy_n(data.state_at(n, options.start), grid.components, grid.state_at(n, 0));
  return grid;
}

}  // namespace

void forecast(Context& context) {
  const parallel::Communicator& comm = context.comm;
  const Deck& deck = context.deck;
  const std::string output = either(deck.forecast.output, in_run(deck, "trajectories.h5"));
  const std::string data = either(deck.forecast.data, deck.data.test);
  if (data.empty()) throw UsageError("forecast.data and data.test are empty; name a file of initial states");
  io::check_overwrite(comm, output, overwrite(context));

  const Stopwatch clock;
  const StoredModel model = load_model(comm, either(deck.forecast.model, in_run(deck, "model.h5")));
  const TrajectoryShare share = read_share(comm, data, deck.forecast.trajectories, model);
  require_start(deck.forecast, share.info, data);
  core::Trajectories trajectories = prepare(deck.forecast, share.held);
  const std::size_t substeps =
      deck.forecast.substeps > 0 ? deck.forecast.substeps : model.deck.integrator.substeps;
  forecast_share(comm, model, {substeps, deck.model.precision}, trajectories);

  io::TrajectoryInfo info = share.info;
  info.times = trajectories.times;
  info.time_axis = trajectories.shared_time ? io::TimeAxis::shared : io::TimeAxis::per_trajectory;
  info.state_type = io::hdf5::ElementType::float64;
  prepare_parent(comm, output);
  io::TrajectoryWriter writer(comm, output, info, overwrite(context));
  writer.write(share.range.begin, trajectories);
  writer.commit();
  say(comm, "{}: {} trajectories of {} times from {} [{:.1f} s]\n", output, info.count, info.times,
      model.path, clock.seconds());
}

}  // namespace spnode::app

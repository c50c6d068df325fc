// forecast: a trajectory file computed by a model from the initial states of another one.
#include <algorithm>
#include <limits>
#include <span>

#include "app/commands/commands.hpp"
#include "app/commands/outputs.hpp"
#include "app/commands/support.hpp"
#include "app/data_set.hpp"
#include "app/ensemble.hpp"
#include "app/forecasting.hpp"
#include "core/support/memory_limit.hpp"

namespace spnode::app {

namespace {

/// The times of a forecast: equal steps, or a list of times for all trajectories or for each.
class TimeGrid {
 public:
  /// `initial`: the first states, at their times; `axis`: the data's times from there on, for the case that
  /// the deck names none.
  TimeGrid(const ForecastOptions& options, const core::Trajectories& initial, const core::Trajectories& axis)
      : initial_(initial) {
    if (options.steps > 0) {
      step_ = options.step;
      times_ = options.steps + 1;
    } else if (!options.times.empty()) {
      times_ = options.times.size();
      listed_ = options.times;
    } else {
      times_ = axis.times;
      listed_ = axis.time;
      shared_ = axis.shared_time;
      return;
    }
    shared_ = !options.times.empty() || initial.shared_time;
  }

  std::size_t times() const { return times_; }
  io::TimeAxis axis() const { return shared_ ? io::TimeAxis::shared : io::TimeAxis::per_trajectory; }

  /// Lengths of the steps of this rank's trajectories.
  std::vector<double> steps(const ForecastRun& run) const {
    if (step_ != 0.0) return core::forecast_steps(step_, run.substeps, run.fast_step());
    core::Trajectories grid;
    grid.count = initial_.count;
    grid.times = times_;
    grid.shared_time = shared_;
    grid.time = listed_;
    return times_ > 1 ? core::forecast_steps(grid, run.substeps, run.fast_step()) : std::vector<double>();
  }

  /// Times [first, first + intervals], for the steps between them; states still to be computed. Equal steps
  /// are counted from 0, so that they are equal however far the forecast goes.
  core::Trajectories piece(std::size_t first, std::size_t intervals) const {
    core::Trajectories piece = uniform_piece(initial_, step_, first, intervals);
    if (step_ == 0.0) {
      set_times(piece, first);
      piece.clock.clear();
    }
    return piece;
  }

  /// The piece with the times of the file.
  void set_times(core::Trajectories& piece, std::size_t first) const {
    piece.shared_time = shared_;
    piece.time.clear();
    for (std::size_t n = 0; n < (shared_ ? 1 : piece.count); ++n)
      for (std::size_t t = first; t < first + piece.times; ++t)
        piece.time.push_back(step_ != 0.0 ? initial_.time_at(n, 0) + static_cast<double>(t) * step_
                                          : listed_[shared_ ? t : n * times_ + t]);
  }

 private:
  const core::Trajectories& initial_;
  double step_ = 0.0;
  std::size_t times_ = 0;
  bool shared_ = true;
  std::vector<double> listed_;
};

void require_start(const ForecastOptions& options, const io::TrajectoryInfo& info, const std::string& path) {
  const bool own_times = options.times.empty() && options.steps == 0;
  const std::size_t needed = options.start + (own_times ? 2 : 1);
  if (needed > info.times)
    throw UsageError("forecast.start = " + std::to_string(options.start) + ", but " + path + " has " +
                     std::to_string(info.times) + " times" + (own_times ? " and one more is needed" : ""));
}

/// All but the first time of a piece, which the piece before it holds.
core::Trajectories without_first(const core::Trajectories& piece) {
  core::Trajectories rest = piece;
  rest.times = piece.times - 1;
  rest.state.clear();
  for (std::size_t n = 0; n < piece.count; ++n)
    rest.state.insert(rest.state.end(), piece.state_at(n, 1),
                      piece.state_at(n, 0) + piece.times * piece.components);
  return rest;
}

/// Of the times at which a piece's trajectories were on the slow manifold, counted from their first states,
/// those that come before the ones of earlier pieces.
void take_first(std::span<const double> reached, const core::Trajectories& initial,
                std::vector<double>& first) {
  first.resize(reached.size(), std::numeric_limits<double>::infinity());
  for (std::size_t n = 0; n < reached.size(); ++n)
    first[n] = std::min(first[n], reached[n] - initial.time_at(n, 0));
}

/// Computes and writes piece by piece: memory does not grow with the number of times. Collective. Returns, in
/// mode hybrid, the time that each trajectory of this rank took to the slow manifold, infinity for never.
std::vector<double> write_forecast(const parallel::Communicator& comm, core::Forecaster& forecaster,
                                   const TimeGrid& grid, const Ensemble& members,
                                   const core::ArgumentOptions& arguments, io::TrajectoryWriter& writer) {
  std::vector<double> latent, to_manifold;
  parallel::collectively(comm, [&] { latent = forecaster.encode(members.initial); });
  const std::size_t most = piece_intervals(comm, members.count, members.initial.components);
  for (std::size_t first = 0; first == 0 || first + 1 < grid.times(); first += most) {
    core::Trajectories piece;
    parallel::collectively(comm, [&] {
      piece = grid.piece(first, std::min(most, grid.times() - 1 - first));
      forecaster.run(piece, latent);
      take_first(forecaster.manifold_times(), members.initial, to_manifold);
      if (first > 0) piece = without_first(piece);
      grid.set_times(piece, first > 0 ? first + 1 : 0);
      piece.clock.clear();
      piece.inputs = core::inputs_at_times(arguments, piece);
    });
    writer.write(members.range.begin, piece, first > 0 ? first + 1 : 0);
  }
  return to_manifold;
}

}  // namespace

void forecast(Context& context) {
  const parallel::Communicator& comm = context.comm;
  const Deck& deck = context.deck;
  const ForecastOptions& options = deck.forecast;
  const std::string output = either(options.output, in_run(deck, "trajectories.h5"));
  const io::DataSource data = source_of(deck, either(options.data, deck.data.test));
  if (data.empty()) throw UsageError("forecast.data and data.test are empty; name a file of initial states");
  const std::string model_path = either(options.model, in_run(deck, "model.h5"));
  check_outputs(context, {deck_file(context), {"the data", data}, {"the model", model_path}},
                {{"the forecast", output}});

  const Stopwatch clock;
  const StoredModel model = load_model(comm, model_path);
  io::TrajectoryInfo info = inspect_share(comm, data, options.trajectories, model);
  require_start(options, info, data);
  const double states = static_cast<double>(info.count) * static_cast<double>(options.ensemble.members);
  core::require_memory(
      states * static_cast<double>(info.components) * sizeof(double) / comm.size(),
      fmt::format("an ensemble of {} members of {} states", options.ensemble.members, info.count));
  const Ensemble members = read_members(comm, deck, model, data, info);
  const TimeGrid grid(options, members.initial, members.axis);
  const std::size_t substeps = options.substeps > 0 ? options.substeps : model.deck.integrator.substeps;
  const ForecastRun run = {substeps, deck.model.precision, options.tolerance, options.mode, options.hybrid};
  const auto forecaster = [&] {
    try {
      std::vector<double> steps;
      parallel::collectively(comm, [&] { steps = grid.steps(run); });
      return make_forecaster(comm, model, run, steps);
    } catch (const Error& error) {
      if (options.steps == 0) throw;
      throw Error(error.status(), fmt::format("forecast.step = {}: {}", options.step, error.what()));
    }
  }();

  info.count = members.count;
  info.times = grid.times();
  info.time_axis = grid.axis();
  info.state_type = io::hdf5::ElementType::float64;
  const core::ArgumentOptions& arguments = model.state.model->options().arguments;
  info.parameters = members.parameters;
  info.inputs = arguments.inputs;
  info.derivatives = io::Derivatives::absent;
  info.tangents = 0;
  prepare_parent(comm, output);
  require_space(comm, output, info);
  io::TrajectoryWriter writer(comm, output, info, overwrite(context));
  const std::vector<double> to_manifold = write_forecast(comm, *forecaster, grid, members, arguments, writer);
  writer.commit();
  say(comm, "{}: {} trajectories of {} times from {} [{:.1f} s]\n", output, info.count, info.times,
      model.path, clock.seconds());
  if (options.mode != core::ForecastMode::hybrid) return;
  const ManifoldTimes times = manifold_times(comm, to_manifold);
  say(comm, "{} of {} trajectories reached the slow manifold", times.reached, times.trajectories);
  if (times.reached > 0)
    say(comm, ", after {:.4g} time units in the mean, {:.4g} at most", times.mean, times.last);
  say(comm, "\n");
}

}  // namespace spnode::app

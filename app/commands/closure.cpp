// closure: the equations on the slow manifold of a fast-slow model, at the states of a data set.
#include "core/forecast/closure.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "app/commands/commands.hpp"
#include "app/commands/outputs.hpp"
#include "app/commands/support.hpp"
#include "app/data_set.hpp"
#include "app/forecasting.hpp"
#include "core/support/error.hpp"
#include "parallel/exact_sum.hpp"

namespace spnode::app {

namespace {

/// Sums over the states of a trajectory, components in units of the model's scaling.
enum Place : std::size_t {
  states,
  distance,  // square, from the slow manifold
  fast,      // square of the norm of the latent fast variables
  slow_error,
  slow_truth,  // squares of the latent slow variables' derivatives
  error,
  truth,  // and of those of all components
  width
};

struct Comparison {
  std::vector<double> rows;                    ///< (trajectories, width)
  std::array<double, 2> largest = {0.0, 0.0};  ///< distance, norm of the fast variables
};

double square(double x) { return x * x; }

void require_finite(const core::ClosurePoints& points, std::size_t trajectory) {
  const auto is_finite = [](double x) { return std::isfinite(x); };
  if (!std::ranges::all_of(points.state, is_finite) || !std::ranges::all_of(points.derivative, is_finite))
    throw NumericalError(
        fmt::format("trajectory {}: the closure is not finite at all of its states", trajectory));
}

void compare(const core::ClosurePoints& points, const core::Trajectories& data, std::size_t n,
             const std::vector<double>& scale, Comparison& found) {
  const std::size_t m = data.components, place = n * data.times * m;
  std::vector<double> row(width, 0.0);
  row[states] = static_cast<double>(data.times);
  for (std::size_t t = 0; t < data.times; ++t) {
    double squares = 0.0;
    for (std::size_t k = t * m; k < (t + 1) * m; ++k)
      squares += square((points.state[k] - data.state[place + k]) / scale[k % m]);
    row[distance] += squares;
    row[fast] += square(points.fast_norm[t]);
    found.largest = {std::max(found.largest[0], std::sqrt(squares)),
                     std::max(found.largest[1], points.fast_norm[t])};
  }
  for (std::size_t k = 0; k < points.slow_of_data.size(); ++k) {
    row[slow_error] += square(points.slow[k] - points.slow_of_data[k]);
    row[slow_truth] += square(points.slow_of_data[k]);
  }
  for (std::size_t k = 0; !data.derivative.empty() && k < data.times * m; ++k) {
    row[error] += square((points.derivative[k] - data.derivative[place + k]) / scale[k % m]);
    row[truth] += square(data.derivative[place + k] / scale[k % m]);
  }
  found.rows.insert(found.rows.end(), row.begin(), row.end());
}

/// Replaces the states of `data`, and their derivatives, by those of the closure.
Comparison close(const StoredModel& model, std::size_t first, core::Trajectories& data) {
  core::Closure closure(*model.state.model, model.state.theta);
  Comparison found;
  core::Trajectories closed = core::without_states(data);
  for (std::size_t n = 0; n < data.count; ++n) {
    const core::ClosurePoints points = closure.compute(data, n);
    require_finite(points, first + n);
    compare(points, data, n, model.state.model->scaling.scale, found);
    closed.state.insert(closed.state.end(), points.state.begin(), points.state.end());
    closed.derivative.insert(closed.derivative.end(), points.derivative.begin(), points.derivative.end());
  }
  closed.inputs = core::inputs_at_times(model.state.model->options().arguments, data);
  data = std::move(closed);
  return found;
}

/// Collective.
void report(const parallel::Communicator& comm, Comparison found, bool has_derivatives) {
  const auto sums = parallel::exact_sum(comm, found.rows, width);
  if (!sums) throw NumericalError("the distances from the slow manifold are too large to be added");
  MPI_Allreduce(MPI_IN_PLACE, found.largest.data(), 2, MPI_DOUBLE, MPI_MAX, comm.handle());
  const std::vector<double>& sum = *sums;
  const auto line = [&](const char* name, Place place, double largest) {
    say(comm, "  {:<52}{:>12.3e}{:>12.3e}\n", name, std::sqrt(sum[place] / sum[states]), largest);
  };
  say(comm, "  {:<52}{:>12}{:>12}\n", "in units of the model's scaling", "rms", "largest");
  line("distance of the states from the slow manifold", distance, found.largest[0]);
  line("norm of the latent fast variables", fast, found.largest[1]);
  if (!has_derivatives) return;
  const auto relative = [&](const char* name, Place difference, Place whole) {
    say(comm, "  {:<52}{:>12.3e}\n", name, std::sqrt(sum[difference] / sum[whole]));
  };
  say(comm, "  {:<52}{:>12}\n", "against the derivatives of the data", "relative");
  relative("d/dt of the latent slow variables", slow_error, slow_truth);
  relative("d/dt of all components", error, truth);
}

}  // namespace

void closure(Context& context) {
  const parallel::Communicator& comm = context.comm;
  const Deck& deck = context.deck;
  const ClosureSettings& options = deck.closure;
  const std::string output = either(options.output, in_run(deck, "closure.h5"));
  const io::DataSource data = source_of(deck, either(options.data, deck.data.test));
  if (data.empty()) throw UsageError("closure.data and data.test are empty; name a file of states");
  const std::string model_path = either(options.model, in_run(deck, "model.h5"));
  check_outputs(context, {deck_file(context), {"the data", data}, {"the model", model_path}},
                {{"the closure", output}});

  const Stopwatch clock;
  const StoredModel model = load_model(comm, model_path);
  TrajectoryShare share = read_share(comm, data, options.trajectories, model, io::Content::with_derivatives);
  io::TrajectoryInfo info = share.info;
  const bool has_derivatives = info.derivatives == io::Derivatives::present;
  Comparison found;
  parallel::collectively(comm, [&] {
    require_values(data, share.held, model.state.model->options(), info.times);
    found = close(model, share.range.begin, share.held);
  });
  info.state_type = io::hdf5::ElementType::float64;
  info.inputs = model.state.model->options().arguments.inputs;
  info.derivatives = io::Derivatives::present;
  info.tangents = 0;
  prepare_parent(comm, output);
  require_space(comm, output, info);
  io::TrajectoryWriter writer(comm, output, info, overwrite(context));
  writer.write(share.range.begin, share.held);
  writer.commit();
  say(comm, "{}: the closure at {} trajectories of {} times [{:.1f} s]\n", output, info.count, info.times,
      clock.seconds());
  report(comm, std::move(found), has_derivatives);
}

}  // namespace spnode::app

#include "catch.hpp"
#include "core/forecast/closure.hpp"
#include "core/forecast/forecast.hpp"
#include "core/support/error.hpp"
#include "helpers.hpp"
#include "largest_difference.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace spnode;
using namespace spnode::core;
using namespace spnode::test;

namespace {

/// A fast-slow model of two slow and three fast variables in coordinates that depend on a parameter, and
/// states off its slow manifold.
struct Example {
  explicit Example(double interval = 0.5, std::size_t times = 41, std::size_t count = 5, bool moves = false) {
    ModelOptions options;
    options.linear.structure = HurwitzKind::fast_dissipative;
    options.linear.mu = -0.5;
    options.linear.slow_dimension = 2;
    options.linear.rank = 2;
    options.linear.noise = 0.3;
    options.linear.fast.dependence = Dependence::network;
    options.linear.fast.hidden = {4};
    options.arguments.parameters = {"a", "epsilon"};
    options.arguments.time = moves;
    options.nonlinear = {NonlinearKind::slow, NonlinearKind::fast_bilinear, NonlinearKind::fast_linear};
    options.network.hidden = {5};
    options.coupling_flow.enabled = true;
    options.coupling_flow.split = 2;
    options.coupling_flow.hidden = {3};
    model = std::make_unique<Model>(options, 5);
    model->argument_scaling = {{0.1, 0.0}, {2.0, 0.5}};
    if (moves) model->argument_scaling = {{0.1, 0.0, 0.0}, {2.0, 0.5, 10.0}};
    model->scaling = {{0.1, 0.0, -0.2, 0.0, 0.3}, {1.5, 0.5, 1.0, 2.0, 1.0}};
    theta = model->initialise(4, nullptr);
    const auto noise = random_vector(theta.size(), "noise", 0.1);
    for (const ParameterBlock& block : model->layout().blocks())
      if (!block.frozen)
        for (std::size_t i = 0; i < block.size(); ++i) theta[block.offset + i] += noise[block.offset + i];
    data.count = count;
    data.times = times;
    data.components = 5;
    for (std::size_t t = 0; t < times; ++t) data.time.push_back(interval * double(t));
    data.state = random_vector(count * times * 5, "states", 0.5);
    for (std::size_t k = 0; k < count; ++k) {
      data.parameters["a"].push_back(0.3 - 0.1 * double(k));
      data.parameters["epsilon"].push_back(1e-3 * double(k));
    }
  }

  ForecastOptions options(ForecastMode mode, std::size_t substeps, double tolerance) const {
    const IntegratorOptions integrator{Scheme::imex_ark4, substeps, MatrixFunctionMethod::automatic, 0};
    return {integrator, 64, tolerance, mode};
  }
  ForecastOptions hybrid(double fast_tolerance, std::size_t substeps = 1, double tolerance = 0.0,
                         double fast_step = 0.0) const {
    ForecastOptions all = options(ForecastMode::hybrid, substeps, tolerance);
    all.hybrid = {fast_tolerance, fast_step};
    return all;
  }
  BasicForecaster<double> forecaster(const ForecastOptions& options) const {
    const double fast_step = options.mode == ForecastMode::hybrid ? options.hybrid.fast_step : 0.0;
    return BasicForecaster<double>(*model, theta, options,
                                   forecast_steps(data, options.integrator.substeps, fast_step));
  }
  Trajectories run(const ForecastOptions& options) const {
    Trajectories states = data;
    forecaster(options).run(states);
    return states;
  }
  std::vector<double> manifold_times(const ForecastOptions& options) const {
    Trajectories states = data;
    auto runner = forecaster(options);
    runner.run(states);
    return {runner.manifold_times().begin(), runner.manifold_times().end()};
  }

  std::unique_ptr<Model> model;
  std::vector<double> theta;
  Trajectories data;
};

}  // namespace

TEST_CASE("hybrid_forecast_is_slow_for_a_huge_tolerance_and_full_for_a_tiny_one") {
  const Example e;
  for (const double tolerance : {0.0, 1e-5})
    for (const std::size_t substeps : {1, 3}) {
      CAPTURE(tolerance, substeps);
      const Trajectories slow = e.run(e.options(ForecastMode::slow, substeps, tolerance)),
                         full = e.run(e.options(ForecastMode::full, substeps, tolerance));
      CHECK(e.run(e.hybrid(1e300, substeps, tolerance)).state == slow.state);
      CHECK(e.run(e.hybrid(1e-300, substeps, tolerance)).state == full.state);
      CHECK(slow.state != full.state);
      for (const double time : e.manifold_times(e.hybrid(1e300, substeps, tolerance))) CHECK(time == 0.0);
      for (const double time : e.manifold_times(e.hybrid(1e-300, substeps, tolerance)))
        CHECK(time == std::numeric_limits<double>::infinity());
    }
}

TEST_CASE("hybrid_forecast_takes_full_steps_of_the_length_that_is_asked_for") {
  const Example e;  // intervals of 0.5
  CHECK(e.run(e.hybrid(1e-300, 1, 0.0, 0.1)).state == e.run(e.options(ForecastMode::full, 5, 0.0)).state);
  CHECK(e.run(e.hybrid(1e-300, 1, 1e-6, 0.1)).state == e.run(e.options(ForecastMode::full, 5, 1e-6)).state);
  CHECK(e.run(e.hybrid(1e300, 2, 0.0, 0.1)).state == e.run(e.options(ForecastMode::slow, 2, 0.0)).state);
  CHECK(full_steps(0.5, 1, 0.0) == 1);
  CHECK(full_steps(0.5, 3, 0.25) == 3);
  CHECK(full_steps(0.1 + 0.2, 1, 0.1) == 3);
  CHECK(full_steps(0.31, 1, 0.1) == 4);
  CHECK_THROWS_AS(full_steps(1e6, 1, 1e-6), UsageError);
}

TEST_CASE("hybrid_forecast_errs_as_its_fast_tolerance_says") {
  const Example e;
  for (const double tolerance : {0.0, 1e-10}) {
    const Trajectories full = e.run(e.options(ForecastMode::full, 4, tolerance));
    std::vector<double> before(e.data.count, 0.0);
    for (const double fast_tolerance : {1e-1, 1e-2, 1e-3, 1e-4}) {
      CAPTURE(tolerance, fast_tolerance);
      // The steps on the manifold, of another scheme, add an error of their own.
      CHECK(largest_difference(e.run(e.hybrid(fast_tolerance, 4, tolerance)), full) < 10.0 * fast_tolerance);
      const std::vector<double> times = e.manifold_times(e.hybrid(fast_tolerance, 4, tolerance));
      for (std::size_t k = 0; k < times.size(); ++k) {
        CHECK(times[k] > before[k]);
        CHECK(std::isfinite(times[k]));
      }
      before = times;
    }
  }
}

TEST_CASE("hybrid_forecast_may_be_written_at_times_far_apart") {
  const Example far(250.0, 3);
  const Trajectories full = far.run(far.options(ForecastMode::full, 2500, 0.0)),
                     hybrid = far.run(far.hybrid(1e-8, 4, 0.0, 0.1)),
                     adaptive = far.run(far.hybrid(1e-8, 1, 1e-9, 0.25)),
                     slow = far.run(far.options(ForecastMode::slow, 4, 0.0));
  CHECK(largest_difference(hybrid, full) < 1e-5);
  CHECK(largest_difference(adaptive, full) < 1e-5);
  CHECK(largest_difference(slow, full) > 1e-3);
  for (const double time : far.manifold_times(far.hybrid(1e-8, 4, 0.0, 0.1))) {
    CHECK(time > 1.0);
    CHECK(time < 100.0);  // found within the first interval
  }
}

TEST_CASE("pieces_and_tiles_of_a_hybrid_forecast_give_the_bits_of_the_whole") {
  const Example e(0.7, 41, 19);
  for (const double tolerance : {0.0, 1e-7})
    for (const double fast_step : {0.0, 0.2}) {
      const ForecastOptions options = e.hybrid(1e-3, 2, tolerance, fast_step);
      const Trajectories whole = e.run(options);
      CAPTURE(tolerance, fast_step);
      for (const std::size_t tile : {1, 8, 16}) {
        ForecastOptions other = options;
        other.tile = tile;
        CHECK(e.run(other).state == whole.state);
      }
      auto forecaster = e.forecaster(options);
      std::vector<double> latent = forecaster.encode(e.data), reached(e.data.count, INFINITY);
      for (const auto& [first, last] :
           {std::pair<std::size_t, std::size_t>{0, 1}, {1, 2}, {2, 9}, {9, 13}, {13, 40}}) {
        Trajectories piece = e.data;  // whose times count from 0
        piece.times = last - first + 1;
        piece.time.clear();
        for (std::size_t t = 0; t < piece.times; ++t) piece.time.push_back(0.7 * double(t));
        piece.clock.assign(piece.count, 0.7 * double(first));
        piece.state.assign(piece.count * piece.times * 5, 0.0);
        forecaster.run(piece, latent);
        for (std::size_t n = 0; n < piece.count; ++n) {
          CHECK(std::equal(piece.state_at(n, 0), piece.state_at(n, 0) + piece.times * 5,
                           whole.state_at(n, first)));
          reached[n] = std::min(reached[n], forecaster.manifold_times()[n]);
        }
      }
      const std::vector<double> times = e.manifold_times(options);
      for (std::size_t n = 0; n < times.size(); ++n) CHECK(reached[n] == Approx(times[n]));
    }
}

TEST_CASE("hybrid_forecast_reads_arguments_that_move_at_the_times_of_its_steps") {
  const Example e(0.5, 21, 5, true);
  for (const double tolerance : {0.0, 1e-9}) {
    const Trajectories full = e.run(e.options(ForecastMode::full, 4, tolerance));
    CAPTURE(tolerance);
    CHECK(largest_difference(e.run(e.hybrid(1e-300, 4, tolerance)), full) < 1e-12);
    CHECK(largest_difference(e.run(e.hybrid(1e-4, 4, tolerance)), full) < 1e-3);
  }
}

TEST_CASE("forecast_that_diverges_is_not_finite_in_hybrid_mode_either") {
  Example e;
  for (std::size_t i = 2; i < 5; ++i) e.data.state_at(2, 0)[i] = 1e200;
  const Trajectories hybrid = e.run(e.hybrid(1e-3, 2));
  CHECK_FALSE(std::isfinite(hybrid.state_at(2, 40)[0]));
  for (const std::size_t n : {0, 1, 3, 4}) CHECK(std::isfinite(hybrid.state_at(n, 40)[0]));
  CHECK(e.manifold_times(e.hybrid(1e-3, 2))[2] == std::numeric_limits<double>::infinity());
}

TEST_CASE("hybrid_forecast_needs_a_slow_manifold_and_goes_forward") {
  Example e;
  std::reverse(e.data.time.begin(), e.data.time.end());
  CHECK_THROWS_AS(e.run(e.hybrid(1e-3)), UsageError);
  CHECK_NOTHROW(e.run(e.options(ForecastMode::slow, 1, 0.0)));
  ModelOptions options;
  const Model other(options, 5);
  CHECK_THROWS_AS(BasicForecaster<double>(other, other.initialise(1, nullptr), e.hybrid(1e-3), {0.5}),
                  UsageError);
}

TEST_CASE("closure_is_the_slope_of_forecasts_on_the_slow_manifold") {
  for (const bool moves : {false, true}) {
    Example e(0.5, 2, 5, moves);
    for (double& epsilon : e.data.parameters["epsilon"]) epsilon *= 100.0;
    Closure closure(*e.model, e.theta);
    double error[2] = {0.0, 0.0};
    for (std::size_t n = 0; n < e.data.count; ++n) {
      const ClosurePoints points = closure.compute(e.data, n);
      CHECK(points.slow_of_data.empty());
      CHECK(points.fast_norm[0] > 1e-3);
      for (const int refined : {0, 1}) {
        const double h = 1e-1 / double(1 + refined);
        std::vector<double> ends[2], start;
        for (const int side : {0, 1}) {
          Trajectories run = e.data;
          run.time = {0.0, side == 0 ? -h : h};
          BasicForecaster<double>(*e.model, e.theta, e.options(ForecastMode::slow, 1, 0.0),
                                  forecast_steps(run, 1))
              .run(run);
          ends[side].assign(run.state_at(n, 1), run.state_at(n, 1) + 5);
          start.assign(run.state_at(n, 0), run.state_at(n, 0) + 5);
        }
        for (std::size_t i = 0; i < 5; ++i) {
          CHECK(points.state[i] == Approx(start[i]).margin(1e-14));
          const double slope = (ends[1][i] - ends[0][i]) / (2.0 * h);
          error[refined] = std::max(error[refined], std::abs(slope - points.derivative[i]));
        }
      }
    }
    CHECK(std::log2(error[0] / error[1]) == Approx(2.0).margin(0.1));
  }
}

TEST_CASE("derivatives_of_data_on_the_slow_manifold_are_compared_in_its_own_directions") {
  Example e(0.5, 3);
  Closure closure(*e.model, e.theta);
  Trajectories on = without_states(e.data);
  on.times = 3;
  for (std::size_t n = 0; n < e.data.count; ++n) {
    const ClosurePoints points = closure.compute(e.data, n);
    on.state.insert(on.state.end(), points.state.begin(), points.state.end());
    on.derivative.insert(on.derivative.end(), points.derivative.begin(), points.derivative.end());
  }
  for (std::size_t n = 0; n < e.data.count; ++n) {
    const ClosurePoints points = closure.compute(on, n);
    for (std::size_t k = 0; k < 6; ++k) CHECK(points.slow[k] == Approx(points.slow_of_data[k]).margin(1e-14));
    for (const double norm : points.fast_norm) CHECK(norm < 1e-13);
    for (std::size_t k = 0; k < 15; ++k) CHECK(points.state[k] == Approx(on.state[n * 15 + k]).margin(1e-13));
  }
  ModelOptions options;
  const Model other(options, 5);
  CHECK_THROWS_AS(Closure(other, other.initialise(1, nullptr)), UsageError);
  on.parameters.erase("epsilon");
  CHECK_THROWS_AS(closure.compute(on, 0), UsageError);
}

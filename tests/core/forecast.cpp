#include "core/forecast/forecast.hpp"
#include "catch.hpp"
#include "core/forecast/jacobian_products.hpp"
#include "core/support/error.hpp"
#include "core/support/random.hpp"
#include "largest_difference.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>
#include <vector>

using namespace spnode;
using namespace spnode::core;
using spnode::test::largest_difference;

namespace {

/// A stiff linear part and a bilinear form, with random parameters.
struct Example {
  explicit Example(bool shared_time = true, std::size_t count = 5) {
    ModelOptions options;
    options.nonlinear = {NonlinearKind::bilinear};
    options.linear.rate_min = 0.5;
    options.linear.rate_max = 50.0;
    options.bilinear.rank = 2;
    model = std::make_unique<Model>(options, 3);
    theta = model->initialise(7, nullptr);
    data.count = count;
    data.times = 41;
    data.components = 3;
    data.shared_time = shared_time;
    const Random random(3, "forecast");
    for (std::size_t n = 0; n < (shared_time ? 1 : count); ++n)
      for (std::size_t t = 0; t < data.times; ++t)
        data.time.push_back(double(n) + 0.1 * double(n + 1) * double(t));
    data.state.resize(count * data.times * 3);
    for (std::size_t n = 0; n < count; ++n)
      for (std::size_t i = 0; i < 3; ++i) data.state_at(n, 0)[i] = 0.5 * random.normal(3 * n + i);
  }

  Trajectories forecast(std::size_t substeps, double tolerance = 0.0, std::size_t tile = 64) const {
    Trajectories states = data;
    forecaster(substeps, tolerance, tile)->run(states);
    return states;
  }
  std::unique_ptr<Forecaster> forecaster(std::size_t substeps, double tolerance, std::size_t tile) const {
    const IntegratorOptions integrator{Scheme::etdrk2, substeps, MatrixFunctionMethod::automatic, 0};
    return std::make_unique<BasicForecaster<double>>(
        *model, theta, ForecastOptions{integrator, tile, tolerance}, forecast_steps(data, substeps));
  }

  std::unique_ptr<Model> model;
  std::vector<double> theta;
  Trajectories data;
};

/// Times [first, last] of all trajectories.
Trajectories piece_of(const Trajectories& all, std::size_t first, std::size_t last) {
  Trajectories piece = all;
  piece.times = last - first + 1;
  piece.state.assign(all.count * piece.times * all.components, 0.0);
  piece.time.clear();
  for (std::size_t n = 0; n < (all.shared_time ? 1 : all.count); ++n)
    for (std::size_t t = first; t <= last; ++t) piece.time.push_back(all.time_at(n, t));
  return piece;
}

}  // namespace

TEST_CASE("pieces_of_a_forecast_give_the_bits_of_the_whole") {
  for (const double tolerance : {0.0, 1e-6})
    for (const bool shared_time : {true, false}) {
      const Example example(shared_time);
      const Trajectories whole = example.forecast(2, tolerance);
      const auto forecaster = example.forecaster(2, tolerance, 64);
      std::vector<double> latent = forecaster->encode(example.data);
      const std::vector<std::pair<std::size_t, std::size_t>> pieces = {{0, 0}, {0, 7}, {7, 8}, {8, 40}};
      for (const auto& [first, last] : pieces) {
        Trajectories piece = piece_of(example.data, first, last);
        forecaster->run(piece, latent);
        for (std::size_t n = 0; n < piece.count; ++n)
          CHECK(std::equal(piece.state_at(n, 0), piece.state_at(n, 0) + piece.times * 3,
                           whole.state_at(n, first)));
      }
    }
}

TEST_CASE("adaptive_forecasts_err_as_their_tolerance_says") {
  const Example example;
  const Trajectories truth = example.forecast(512);
  double before = 1.0;
  for (const double tolerance : {1e-3, 1e-5, 1e-7}) {
    const double error = largest_difference(example.forecast(1, tolerance), truth);
    CAPTURE(tolerance, error);
    CHECK(error < 50.0 * tolerance);
    CHECK(error < before);
    before = error;
  }
  CHECK(largest_difference(example.forecast(1), truth) > before);
}

TEST_CASE("adaptive_steps_of_a_trajectory_do_not_depend_on_its_neighbours") {
  for (const bool shared_time : {true, false}) {
    const Example example(shared_time, 19);
    const Trajectories together = example.forecast(1, 1e-6);
    for (const std::size_t tile : {1, 8, 16}) CHECK(example.forecast(1, 1e-6, tile).state == together.state);
  }
}

TEST_CASE("adaptive_forecasts_go_backwards_to_where_they_came_from") {
  Example example;
  example.data.times = 4;
  example.data.time.resize(4);
  example.data.state.resize(example.data.count * 4 * 3);
  const Trajectories forward = example.forecast(1, 1e-9);
  Example back;
  back.data = forward;
  std::reverse(back.data.time.begin(), back.data.time.end());
  for (std::size_t n = 0; n < forward.count; ++n)
    std::copy_n(forward.state_at(n, 3), 3, back.data.state_at(n, 0));
  const Trajectories returned = back.forecast(1, 1e-9);
  // The fastest rate amplifies what is left of an error by exp(50 * 0.3) on the way back.
  for (std::size_t n = 0; n < forward.count; ++n)
    for (std::size_t i = 0; i < 3; ++i)
      CHECK(returned.state_at(n, 3)[i] == Approx(forward.state_at(n, 0)[i]).margin(1e-1));
}

TEST_CASE("tolerance_that_no_step_meets_is_broken_numerics") {
  CHECK_THROWS_AS(Example().forecast(1, 1e-30), NumericalError);
}

TEST_CASE("inputs_at_times_are_those_of_the_file_and_between_them_as_the_model_interpolates_them") {
  Trajectories data;
  data.count = 2;
  data.times = data.input_times = 4;
  data.components = 1;
  data.time = data.input_time = {0.0, 1.0, 2.5, 3.0};
  data.inputs["c"] = {1.0, -2.0, 5.0, 100.0, 0.5, 0.25, 0.125, 0.0};
  const auto at = [&](Interpolation interpolation, const Trajectories& times) {
    return inputs_at_times({{}, {"c"}, false, interpolation}, times).at("c");
  };
  for (const auto interpolation : {Interpolation::previous, Interpolation::linear, Interpolation::cubic})
    CHECK(at(interpolation, data) == data.inputs.at("c"));
  Trajectories other = data;
  other.count = 1;
  other.times = 3;
  other.time = {0.5, 2.5, 2.75};
  CHECK(at(Interpolation::previous, other) == std::vector<double>{1.0, 5.0, 5.0});
  CHECK(at(Interpolation::linear, other)[0] == Approx(-0.5));
  // Backwards, a value holds until the earlier time that follows.
  other.time = {3.0, 2.5, 0.5};
  CHECK(at(Interpolation::previous, other) == std::vector<double>{5.0, -2.0, 1.0});
  other.time = {0.5, 2.5, 3.5};
  CHECK_THROWS_AS(at(Interpolation::previous, other), UsageError);
}

TEST_CASE("jacobian_products_are_differences_of_the_slope_of_short_forecasts") {
  for (const bool reduced : {false, true}) {
    CAPTURE(reduced);
    ModelOptions options;
    options.latent_dimension = reduced ? 2 : 0;
    options.nonlinear = {NonlinearKind::bilinear};
    options.bilinear.rank = 2;
    options.autoencoder.enabled = reduced;
    options.autoencoder.pod_trainable = true;
    REQUIRE(JacobianProducts::defined_for(options));
    Model model(options, 3);
    model.scaling = {{0.3, -0.2, 0.1}, {2.0, 0.5, 1.5}};
    const PodStart pod{{0.6, 0.8, 0.0, 0.0, 0.0, 1.0}, 1.3};
    const std::vector<double> theta = model.initialise(7, &pod);

    Trajectories data;
    data.count = 1;
    data.times = 4;
    data.components = 3;
    data.tangents = 2;
    data.time = {0.0, 1.0, 2.0, 3.0};
    const Random random(3, "products");
    for (std::size_t k = 0; k < 12; ++k) data.state.push_back(random.normal(k));
    for (std::size_t k = 0; k < 24; ++k) data.directions.push_back(random.normal(100 + k));
    data.products.resize(24);
    std::vector<double> products(24);
    JacobianProducts(model, theta).compute(data, 0, products);

    // (x(h) - x(-h)) / 2h is the right-hand side up to h^2.
    const double h = 1e-3, e = 1e-4;
    const auto slope = [&](std::vector<double> x) {
      std::vector<double> ends[2];
      for (const int side : {0, 1}) {
        Trajectories run;
        run.count = 1;
        run.times = 2;
        run.components = 3;
        run.time = {0.0, side == 0 ? h : -h};
        run.state = x;
        run.state.resize(6);
        const IntegratorOptions integrator{Scheme::etdrk4, 1, MatrixFunctionMethod::dense, 0};
        BasicForecaster<double>(model, theta, {integrator, 1}, forecast_steps(run, 1)).run(run);
        ends[side].assign(run.state.begin() + 3, run.state.end());
      }
      for (std::size_t i = 0; i < 3; ++i) x[i] = (ends[0][i] - ends[1][i]) / (2 * h);
      return x;
    };
    for (std::size_t at = 0; at < 24; at += 3) {
      std::vector<double> up(data.state_at(0, at / 6), data.state_at(0, at / 6) + 3), down = up;
      for (std::size_t i = 0; i < 3; ++i) {
        up[i] += e * data.directions[at + i];
        down[i] -= e * data.directions[at + i];
      }
      const auto above = slope(up), below = slope(down);
      for (std::size_t i = 0; i < 3; ++i)
        CHECK(products[at + i] == Approx((above[i] - below[i]) / (2 * e)).epsilon(1e-4).margin(1e-4));
    }
  }
  ModelOptions curved;
  curved.autoencoder.enabled = true;
  curved.autoencoder.hidden = {4};
  CHECK(!JacobianProducts::defined_for(curved));
}

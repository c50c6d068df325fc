#include "training/survey.hpp"
#include "catch.hpp"
#include "core/support/error.hpp"
#include "core/support/random.hpp"

#include <cmath>
#include <numbers>

using namespace spnode;
using core::Trajectories;
using training::Survey;
using training::survey;

namespace {

/// Trajectories whose state at time t is given by a function of trajectory, t and component.
template <class State>
Trajectories sampled(std::size_t count, const std::vector<double>& time, std::size_t components,
                     State&& state) {
  Trajectories data;
  data.count = count;
  data.times = time.size();
  data.components = components;
  data.time = time;
  for (std::size_t n = 0; n < count; ++n)
    for (const double t : time)
      for (std::size_t c = 0; c < components; ++c) data.state.push_back(state(n, t, c));
  return data;
}

std::vector<double> even_times(std::size_t count, double step) {
  std::vector<double> time;
  for (std::size_t i = 0; i < count; ++i) time.push_back(step * static_cast<double>(i));
  return time;
}

/// Of du/dt = u (1 - u).
double logistic(double start, double t) { return start / (start + (1.0 - start) * std::exp(-t)); }

double residual(const Survey& seen, std::size_t degree) { return seen.fits.at(degree - 1).residual; }

}  // namespace

TEST_CASE("a_linear_system_is_explained_by_a_linear_fit_with_its_growth_rate") {
  const Survey seen = survey(sampled(5, even_times(101, 0.05), 2, [](std::size_t n, double t, std::size_t c) {
    const double phase = 0.7 * static_cast<double>(n) + 2.0 * t;
    return std::exp(0.3 * t) * (c == 0 ? std::cos(phase) : 40.0 * std::sin(phase));
  }));
  CHECK(seen.grid.even);
  CHECK(seen.grid.longest == Approx(0.05));
  CHECK(residual(seen, 1) < 1e-6);
  CHECK(seen.fits[0].growth_rate == Approx(0.3).epsilon(1e-4));
  CHECK(seen.noise < 1e-6);
  CHECK_FALSE(seen.positive);
  CHECK(seen.invariants.empty());
}

TEST_CASE("the_degree_of_a_polynomial_system_is_the_one_that_explains_it") {
  const auto start = [](std::size_t n) { return 0.1 + 0.2 * static_cast<double>(n); };
  const Survey quadratic =
      survey(sampled(4, even_times(81, 0.05), 1,
                     [&](std::size_t n, double t, std::size_t) { return logistic(start(n), t); }));
  CHECK(quadratic.positive);
  CHECK(residual(quadratic, 1) > 1e-2);
  CHECK(residual(quadratic, 2) < 1e-6);
  // v = sqrt(u) obeys dv/dt = v (1 - v^2) / 2.
  const Survey cubic = survey(sampled(4, even_times(81, 0.05), 1, [&](std::size_t n, double t, std::size_t) {
    return std::sqrt(logistic(start(n), t));
  }));
  CHECK(residual(cubic, 2) > 1e-3);
  CHECK(residual(cubic, 3) < 1e-6);
}

TEST_CASE("a_conserved_sum_is_found_in_the_units_of_the_data") {
  const Survey seen = survey(sampled(6, even_times(50, 0.1), 3, [](std::size_t n, double t, std::size_t c) {
    const double a = 1.0 + static_cast<double>(n), x = a * std::exp(-t), y = 1e-3 * std::exp(-2.0 * t);
    return c == 0 ? x : c == 1 ? y : 5.0 - x - 2.0 * y;  // x + 2 y + z = 5
  }));
  REQUIRE(seen.invariants.size() == 1);
  const std::vector<double>& w = seen.invariants[0].weights;
  CHECK(w[0] / w[2] == Approx(1.0).epsilon(1e-6));
  CHECK(w[1] / w[2] == Approx(2.0).epsilon(1e-4));
}

TEST_CASE("noise_and_constant_components_are_seen") {
  const core::Random random(1, "survey");
  std::uint64_t k = 0;
  const Survey seen = survey(sampled(3, even_times(400, 0.05), 2, [&](std::size_t, double t, std::size_t c) {
    return c == 1 ? 7.0 : std::sin(t) + 0.01 * random.normal(k++);
  }));
  CHECK(seen.constant == 1);
  CHECK(seen.noise > 0.01);
  CHECK(seen.noise < 0.02);  // relative to a deviation of 0.7
}

TEST_CASE("times_that_are_spread_over_decades_are_told_from_even_ones") {
  std::vector<double> time = {0.0};
  for (int i = 0; i < 30; ++i) time.push_back(1e-4 * std::pow(10.0, 0.2 * i));
  const auto decay = [](std::size_t n, double t, std::size_t) {
    return static_cast<double>(n + 1) * std::exp(-t);
  };
  const Survey spread = survey(sampled(3, time, 1, decay));
  CHECK(spread.grid.logarithmic());
  CHECK_FALSE(spread.grid.even);
  CHECK(spread.fits.empty());
  const std::vector<double> uneven = {0.0, 0.1, 0.1003, 0.3, 0.4, 0.45, 0.9, 0.95, 1.0};  // random gaps
  CHECK_FALSE(survey(sampled(3, uneven, 1, decay)).grid.logarithmic());
  // A clock that counts from long ago rounds its times.
  std::vector<double> clock = even_times(50, 0.1);
  for (double& t : clock) t += 1.7e9;
  CHECK(survey(sampled(3, clock, 1, [](std::size_t n, double t, std::size_t) {
          return std::sin(t - 1.7e9 + static_cast<double>(n));
        })).grid.even);
}

TEST_CASE("a_travelling_wave_has_two_modes_and_no_place_of_its_own") {
  constexpr std::size_t m = 32;
  const auto angle = [](std::size_t c) { return 2.0 * std::numbers::pi * static_cast<double>(c) / m; };
  const auto wave = [&](std::size_t n, double t, std::size_t c) {
    return std::sin(angle(c) - t + static_cast<double>(n));
  };
  const Survey seen = survey(sampled(8, even_times(126, 0.05), m, wave));
  CHECK(seen.modes_for(1e-6) == 2);
  CHECK(seen.modes == 2);
  CHECK(residual(seen, 1) < 1e-6);
  REQUIRE(seen.shift_invariance);
  CHECK(*seen.shift_invariance < 0.1);
  // As many snapshots as modes need, fewer than components: the other way to the same modes.
  const Survey few = survey(sampled(1, even_times(12, 0.5), m, wave));
  CHECK(few.modes_for(1e-6) == 2);
  const Survey walls =
      survey(sampled(8, even_times(126, 0.05), m, [&](std::size_t n, double t, std::size_t c) {
        return std::sin(0.5 * angle(c)) * std::cos(t + static_cast<double>(n));
      }));
  CHECK(*walls.shift_invariance > 0.5);
}

TEST_CASE("a_survey_refuses_data_that_say_nothing") {
  CHECK_THROWS_AS(
      survey(sampled(3, {0.0, 1.0}, 1, [](std::size_t n, double t, std::size_t) { return n + t; })),
      FileError);
  CHECK_THROWS_AS(survey(sampled(3, even_times(9, 1.0), 2, [](auto, auto, auto) { return 3.0; })), FileError);
}

#include "catch.hpp"
#include "core/metrics/field_statistics.hpp"
#include "core/support/error.hpp"
#include "core/support/random.hpp"

#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

using namespace spnode;
using namespace spnode::core;

namespace {

constexpr double period = 22.0;

/// 0.5 + 2 sin(3 q x) + cos(5 q x), q = 2 pi / period.
struct Wave {
  explicit Wave(std::size_t points) {
    const double q = 2.0 * std::numbers::pi / period;
    for (std::size_t j = 0; j < points; ++j) {
      const double x = period * double(j) / double(points);
      u.push_back(0.5 + 2.0 * std::sin(3 * q * x) + std::cos(5 * q * x));
      u_x.push_back(6.0 * q * std::cos(3 * q * x) - 5.0 * q * std::sin(5 * q * x));
      u_xx.push_back(-18.0 * q * q * std::sin(3 * q * x) - 25.0 * q * q * std::cos(5 * q * x));
    }
  }
  std::vector<double> u, u_x, u_xx;
};

Trajectories noise(std::size_t count, std::size_t times, std::size_t points, std::uint64_t seed) {
  Trajectories fields;
  fields.count = count;
  fields.times = times;
  fields.components = points;
  const Random random(seed, "field");
  for (std::size_t i = 0; i < count * times * points; ++i) fields.state.push_back(random.normal(i));
  for (std::size_t t = 0; t < times; ++t) fields.time.push_back(double(t));
  return fields;
}

FieldStatistics statistics(const PeriodicGrid& grid, const Trajectories& forecast,
                           const Trajectories& truth) {
  const Box box = derivative_box(grid, truth);
  const std::vector<double> rows = energy_rows(grid, {forecast, truth, 0});
  std::vector<double> sums(energy_width(grid), 0.0);
  for (std::size_t i = 0; i < rows.size(); ++i) sums[i % sums.size()] += rows[i];
  return field_statistics(grid, box, derivative_counts(grid, box, {forecast, truth, 0}), sums);
}

}  // namespace

TEST_CASE("derivatives_of_resolved_waves_are_exact") {
  for (const std::size_t points : {12, 13, 64}) {
    const PeriodicGrid grid(points, period);
    const Wave wave(points);
    std::vector<double> u_x(points), u_xx(points);
    grid.derivatives(wave.u, u_x, u_xx);
    for (std::size_t j = 0; j < points; ++j) {
      CHECK(u_x[j] == Approx(wave.u_x[j]).margin(1e-12));
      CHECK(u_xx[j] == Approx(wave.u_xx[j]).margin(1e-12));
    }
  }
}

TEST_CASE("energies_are_those_of_the_waves_and_sum_to_the_mean_square") {
  const PeriodicGrid grid(64, period);
  CHECK(grid.modes() == 33);
  CHECK(grid.wavenumber(3) == Approx(6.0 * std::numbers::pi / period));
  std::vector<double> energy(grid.modes(), 0.0);
  grid.add_energies(Wave(64).u, energy);
  for (std::size_t n = 0; n < energy.size(); ++n)
    CHECK(energy[n] == Approx(n == 0 ? 0.25 : n == 3 ? 2.0 : n == 5 ? 0.5 : 0.0).margin(1e-13));
  for (const std::size_t points : {9, 10}) {
    const PeriodicGrid small(points, period);
    const Trajectories field = noise(1, 1, points, 3);
    std::vector<double> parts(small.modes(), 0.0);
    small.add_energies(field.state, parts);
    const double mean_square =
        std::inner_product(field.state.begin(), field.state.end(), field.state.begin(), 0.0) / double(points);
    CHECK(std::accumulate(parts.begin(), parts.end(), 0.0) == Approx(mean_square).epsilon(1e-13));
  }
}

TEST_CASE("unusable_grids_are_refused") {
  CHECK_THROWS_AS(PeriodicGrid(3, 1.0), UsageError);
  CHECK_THROWS_AS(PeriodicGrid(8, 0.0), UsageError);
}

TEST_CASE("histogram_counts_its_edges_and_what_lies_outside") {
  Box box;
  box.include(std::vector<double>{0.0, 6.0}, std::vector<double>{-1.0, 1.0});
  JointHistogram histogram(box);
  histogram.add(std::vector<double>{0.0, 6.0, 0.1, 7.0, std::numeric_limits<double>::quiet_NaN()},
                std::vector<double>{-1.0, 1.0, 0.0, 0.0, 0.0});
  const auto counts = histogram.counts();
  CHECK(counts[0] == 1);
  CHECK(counts[JointHistogram::bins * JointHistogram::bins - 1] == 1);
  CHECK(counts[JointHistogram::bins + 30] == 1);
  CHECK(counts[JointHistogram::size - 1] == 2);
}

TEST_CASE("distances_of_histograms_are_known_for_hand_made_ones") {
  const std::vector<std::uint64_t> a = {4, 0, 0}, b = {0, 2, 2}, c = {1, 1, 0};
  CHECK(l1_distance(a, a) == 0.0);
  CHECK(l1_distance(a, b) == 2.0);
  CHECK(l1_distance(a, c) == 1.0);
  CHECK(jensen_shannon_distance(a, a) == 0.0);
  CHECK(jensen_shannon_distance(a, b) == Approx(1.0).epsilon(1e-15));
  // m = (3/4, 1/4): half of log2(4/3) + (log2(2/3) + log2(2)) / 2
  CHECK(jensen_shannon_distance(a, c) ==
        Approx(std::sqrt(0.5 * (std::log2(4.0 / 3) + 0.5 * std::log2(2.0 / 3) + 0.5))).epsilon(1e-14));
  CHECK(jensen_shannon_distance(c, a) == jensen_shannon_distance(a, c));
  CHECK(std::isnan(l1_distance(a, std::vector<std::uint64_t>{0, 0, 0})));
}

TEST_CASE("energy_distance_is_relative") {
  const std::vector<double> a = {1, 2, 4}, b = {1, 1, 2};
  CHECK(energy_distance(a, b) == 0.75);
  CHECK(energy_distance(b, b) == 0.0);
}

TEST_CASE("statistics_of_a_perfect_forecast_are_those_of_the_truth") {
  const PeriodicGrid grid(16, period);
  const Trajectories truth = noise(6, 400, 16, 1), other = noise(6, 400, 16, 2);
  const FieldStatistics same = statistics(grid, truth, truth);
  CHECK(same.pdf_l1.forecast == same.pdf_l1.truth);
  CHECK(same.pdf_jensen_shannon.forecast == same.pdf_jensen_shannon.truth);
  CHECK(same.energy.forecast == same.energy.truth);
  CHECK(same.pdf_truth == same.pdf_forecast);
  CHECK(std::accumulate(same.pdf_truth.begin(), same.pdf_truth.end(), std::uint64_t{0}) == 6 * 400 * 16);
  // Another sample of the same process is as far away as the truth from itself; a larger field is not.
  const FieldStatistics alike = statistics(grid, other, truth);
  CHECK(alike.pdf_l1.forecast == Approx(alike.pdf_l1.truth).epsilon(0.1));
  Trajectories larger = other;
  for (double& x : larger.state) x *= 1.5;
  const FieldStatistics different = statistics(grid, larger, truth);
  CHECK(different.pdf_l1.forecast > 1.5 * different.pdf_l1.truth);
  CHECK(different.energy.forecast == Approx(1.25).epsilon(0.05));
}

TEST_CASE("statistics_do_not_depend_on_how_trajectories_are_shared_out") {
  const PeriodicGrid grid(8, period);
  const Trajectories truth = noise(5, 3, 8, 1), forecast = noise(5, 3, 8, 2);
  const auto part = [](const Trajectories& all, std::size_t first, std::size_t count) {
    Trajectories some = all;
    some.count = count;
    some.state.assign(all.state_at(first, 0), all.state_at(first, 0) + count * all.times * all.components);
    return some;
  };
  const Box box = derivative_box(grid, truth);
  const auto whole = derivative_counts(grid, box, {forecast, truth, 0});
  auto sum = derivative_counts(grid, box, {part(forecast, 0, 3), part(truth, 0, 3), 0});
  const auto rest = derivative_counts(grid, box, {part(forecast, 3, 2), part(truth, 3, 2), 3});
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += rest[i];
  CHECK(sum == whole);
  auto rows = energy_rows(grid, {part(forecast, 0, 3), part(truth, 0, 3), 0});
  const auto more = energy_rows(grid, {part(forecast, 3, 2), part(truth, 3, 2), 3});
  rows.insert(rows.end(), more.begin(), more.end());
  CHECK(rows == energy_rows(grid, {forecast, truth, 0}));
}

TEST_CASE("diverged_forecasts_lie_outside_and_have_no_energy") {
  const PeriodicGrid grid(8, period);
  const Trajectories truth = noise(4, 3, 8, 1);
  Trajectories forecast = truth;
  forecast.state_at(3, 1)[2] = std::numeric_limits<double>::quiet_NaN();
  const FieldStatistics found = statistics(grid, forecast, truth);
  CHECK(found.pdf_forecast.back() == 8);  // the state whose value is not a number, at all its points
  for (const double energy : found.energy_forecast) CHECK(std::isfinite(energy));
}

#include "catch.hpp"
#include "core/metrics/boundedness.hpp"
#include "core/metrics/component_errors.hpp"
#include "core/metrics/mean_metrics.hpp"
#include "core/support/error.hpp"

#include <cmath>
#include <limits>

using namespace spnode;
using namespace spnode::core;

namespace {

const double nan_value = std::numeric_limits<double>::quiet_NaN();

/// Three times, two components; norms of the truth 5, 0, 10, so their mean is 5; errors 0, 5, 1.
struct Example {
  std::vector<double> time = {1.0, 2.0, 4.0};
  std::vector<double> truth = {3, 4, 0, 0, -6, 8};
  std::vector<double> forecast = {3, 4, -3, 4, -6, 9};
  ForecastPair pair() const { return {time, forecast, truth}; }
};

}  // namespace

TEST_CASE("relative_error_is_over_the_time_mean_norm_of_the_truth") {
  const Example example;
  CHECK(mean_norm(example.pair()) == 5.0);
  CHECK(relative_error(example.pair()) == std::vector<double>{0.0, 1.0, 0.2});
}

TEST_CASE("l2_error_is_that_of_all_samples_together") {
  CHECK(relative_l2_error(Example().pair()) == Approx(std::sqrt(26.0 / 125.0)).epsilon(1e-15));
}

TEST_CASE("valid_prediction_time_is_interpolated_between_samples") {
  const std::vector<double> time = {1, 2, 4, 5}, error = {0.0, 0.1, 0.5, 0.0};
  CHECK(valid_prediction_time(time, error, 0.3) == Approx(2.0).epsilon(1e-15));
  CHECK(valid_prediction_time(time, error, 0.05) == Approx(0.5).epsilon(1e-15));
  CHECK(valid_prediction_time(time, error, 0.5) == 4.0);  // reached, not exceeded: valid to the end
  CHECK(valid_prediction_time(time, {std::vector<double>{1.0, 0, 0, 0}}, 0.5) == 0.0);
}

TEST_CASE("valid_prediction_time_of_a_backward_forecast_is_positive") {
  const std::vector<double> time = {0, -1, -2}, error = {0.0, 0.5, 1.0};
  CHECK(valid_prediction_time(time, error, 0.75) == Approx(1.5).epsilon(1e-15));
  CHECK(valid_prediction_time(time, error, 2.0) == 2.0);
}

TEST_CASE("forecast_is_not_valid_where_it_is_not_finite") {
  const std::vector<double> time = {0, 1, 2};
  for (const double broken : {nan_value, std::numeric_limits<double>::infinity()})
    CHECK(valid_prediction_time(time, std::vector<double>{0.0, 0.1, broken}, 0.5) == 1.0);
  Example example;
  example.forecast[5] = nan_value;
  const TrajectoryMetrics metrics = measure(example.pair(), 2.0);
  CHECK(metrics.diverged);
  CHECK(std::isinf(metrics.error[2]));
  CHECK(std::isinf(metrics.l2_error));
  CHECK(metrics.valid_time == 1.0);
}

TEST_CASE("errors_against_a_truth_of_zero_are_zero_or_infinite") {
  const std::vector<double> time = {0, 1}, zero = {0, 0}, other = {0, 1};
  CHECK(relative_l2_error({time, zero, zero}) == 0.0);
  CHECK(std::isinf(relative_l2_error({time, other, zero})));
  CHECK(relative_error({time, other, zero})[0] == 0.0);
  CHECK(std::isinf(relative_error({time, other, zero})[1]));
}

TEST_CASE("measure_collects_the_single_metrics") {
  const TrajectoryMetrics metrics = measure(Example().pair(), 0.5);
  CHECK(metrics.valid_time == Approx(0.5).epsilon(1e-15));
  CHECK(metrics.l2_error == relative_l2_error(Example().pair()));
  CHECK(metrics.error == relative_error(Example().pair()));
  CHECK_FALSE(metrics.diverged);
}

TEST_CASE("shapes_that_do_not_fit_are_refused") {
  Example example;
  example.forecast.pop_back();
  CHECK_THROWS_AS(measure(example.pair(), 0.5), UsageError);
  CHECK_THROWS_AS(compare_steps(example.pair(), 0.5), UsageError);
  CHECK_THROWS_AS(measure({}, 0.5), UsageError);
}

TEST_CASE("step_consistency_is_zero_for_equal_forecasts_and_relative_for_others") {
  const std::vector<double> time = {0, 1, 2}, halved = {1, 1, 1}, given = {1, 1.5, 3};
  CHECK(compare_steps({time, halved, halved}, 0.1).difference == 0.0);
  CHECK(compare_steps({time, halved, halved}, 0.1).agreement_time == 2.0);
  const StepConsistency found = compare_steps({time, given, halved}, 0.25);
  CHECK(found.difference == Approx(std::sqrt(4.25 / 3.0)).epsilon(1e-15));
  CHECK(found.agreement_time == Approx(0.5).epsilon(1e-15));
}

TEST_CASE("means_are_those_of_the_trajectories") {
  const TrajectoryMetrics a{2.0, 0.1, {0.0, 0.2}, false}, b{4.0, 0.3, {0.1, 0.6}, false};
  std::vector<double> sums = summands(a, StepConsistency{0.5, 1.0});
  const std::vector<double> second = summands(b, std::nullopt);
  REQUIRE(sums.size() == summand_count(2));
  for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += second[i];
  const MeanMetrics means = mean_metrics(sums);
  CHECK(means.trajectories == 2);
  CHECK(means.diverged == 0);
  CHECK(means.valid_time == 3.0);
  CHECK(means.valid_time_deviation == Approx(1.0).epsilon(1e-15));
  CHECK(means.l2_error == Approx(0.2).epsilon(1e-15));
  CHECK(means.error[0] == Approx(0.05).epsilon(1e-15));
  CHECK(means.error[1] == Approx(0.4).epsilon(1e-15));
  CHECK(means.consistencies == 1);
  CHECK(means.consistency.value().difference == 0.5);
  CHECK(means.consistency.value().agreement_time == 1.0);
}

TEST_CASE("diverged_forecasts_are_counted_and_do_not_spoil_the_mean_error") {
  Example broken;
  broken.forecast[5] = nan_value;
  const TrajectoryMetrics good = measure(Example().pair(), 0.5), bad = measure(broken.pair(), 0.5);
  std::vector<double> sums = summands(good, std::nullopt);
  const std::vector<double> second =
      summands(bad, StepConsistency{std::numeric_limits<double>::infinity(), 1.0});
  for (std::size_t i = 0; i < sums.size(); ++i) {
    REQUIRE(std::isfinite(second[i]));
    sums[i] += second[i];
  }
  const MeanMetrics means = mean_metrics(sums);
  CHECK(means.trajectories == 2);
  CHECK(means.diverged == 1);
  CHECK(means.l2_error == good.l2_error);
  CHECK(means.error == good.error);
  CHECK(means.valid_time == Approx((good.valid_time + bad.valid_time) / 2).epsilon(1e-15));
  CHECK_FALSE(means.consistency);
}

TEST_CASE("mean_of_no_trajectory_is_refused") {
  CHECK_THROWS_AS(mean_metrics(std::vector<double>(summand_count(3), 0.0)), UsageError);
}

TEST_CASE("component_errors_are_the_largest_of_all_forecasts_in_units_of_their_scale") {
  const Example example;
  std::vector<double> largest(6, 0.0);
  raise_component_errors(example.pair(), std::vector{2.0, 0.5}, largest);
  CHECK(largest == std::vector<double>{0, 0, 1.5, 8, 0, 2});
  Example other;
  other.forecast = {4, 4, 0, 1, -6, nan_value};
  raise_component_errors(other.pair(), std::vector{2.0, 0.5}, largest);
  CHECK(largest == std::vector<double>{0.5, 0, 1.5, 8, 0, std::numeric_limits<double>::infinity()});
}

TEST_CASE("drift_of_a_conserved_quantity_is_from_the_first_true_state") {
  const std::vector<double> time = {0, 1, 2}, truth = {1, 0, 0.5, 0.5, 0, 1},
                            forecast = {1, 0, 0.5, 0.75, 0, 0.875};
  CHECK(conserved_drift({time, truth, truth}, std::vector{1.0, 1.0}) == 0.0);
  CHECK(conserved_drift({time, forecast, truth}, std::vector{1.0, 1.0}) == 0.25);
  CHECK(std::isinf(conserved_drift({time, {std::vector<double>{1, 0, 0, nan_value, 0, 0}}, truth},
                                   std::vector{1.0, 1.0})));
}

TEST_CASE("norms_are_watched_over_pieces_as_over_the_whole") {
  const std::vector<double> states = {3, 4, 0, 0, 6, 8};
  NormStatistics whole, pieces;
  whole.add(states, 2);
  for (std::size_t i = 0; i < 3; ++i) pieces.add(std::span(states).subspan(2 * i, 2), 2);
  CHECK(whole.finite());
  CHECK(whole.largest() == 10.0);
  CHECK(whole.mean_square() == Approx(125.0 / 3.0).epsilon(1e-15));
  CHECK(pieces.mean_square() == whole.mean_square());
  whole.add(std::vector<double>{nan_value, 0.0}, 2);
  CHECK_FALSE(whole.finite());
  CHECK(whole.largest() == 10.0);
}

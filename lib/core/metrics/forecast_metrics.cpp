#include "core/metrics/forecast_metrics.hpp"

#include "core/support/error.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

namespace spnode::core {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

double norm(std::span<const double> x) {
  double sum = 0.0;
  for (const double entry : x) sum += entry * entry;
  return std::sqrt(sum);
}

double distance(std::span<const double> x, std::span<const double> y) {
  double sum = 0.0;
  for (std::size_t c = 0; c < x.size(); ++c) sum += (x[c] - y[c]) * (x[c] - y[c]);
  return std::sqrt(sum);
}

std::span<const double> state(std::span<const double> states, std::size_t components, std::size_t t) {
  return states.subspan(t * components, components);
}

/// error / scale, 0 where both are 0, infinite where it has no value.
double ratio(double error, double scale) {
  if (error == 0.0) return 0.0;
  const double quotient = error / scale;
  return std::isfinite(quotient) ? quotient : infinity;
}

void check(const ForecastPair& pair) {
  if (pair.times() == 0 || pair.truth.empty() || pair.truth.size() % pair.times() != 0 ||
      pair.forecast.size() != pair.truth.size())
    throw UsageError("forecast metrics: " + std::to_string(pair.forecast.size()) + " forecast and " +
                     std::to_string(pair.truth.size()) + " true values do not fit each other at " +
                     std::to_string(pair.times()) + " times");
}

}  // namespace

double mean_norm(const ForecastPair& pair) {
  double sum = 0.0;
  for (std::size_t t = 0; t < pair.times(); ++t) sum += norm(state(pair.truth, pair.components(), t));
  return sum / static_cast<double>(pair.times());
}

std::vector<double> relative_error(const ForecastPair& pair) {
  const double scale = mean_norm(pair);
  const std::size_t components = pair.components();
  std::vector<double> error(pair.times());
  for (std::size_t t = 0; t < error.size(); ++t)
    error[t] = ratio(distance(state(pair.forecast, components, t), state(pair.truth, components, t)), scale);
  return error;
}

double relative_l2_error(const ForecastPair& pair) {
  return ratio(distance(pair.forecast, pair.truth), norm(pair.truth));
}

double valid_prediction_time(std::span<const double> time, std::span<const double> error, double threshold) {
  const auto length = [&](double t) { return std::abs(t - time.front()); };
  // Not `> threshold`: what is not a number is not valid.
  const auto first = std::find_if(error.begin(), error.end(), [&](double e) { return !(e <= threshold); });
  if (first == error.end()) return length(time.back());
  if (first == error.begin()) return 0.0;
  const auto after = static_cast<std::size_t>(first - error.begin()), before = after - 1;
  if (!std::isfinite(error[after])) return length(time[before]);
  const double fraction = (threshold - error[before]) / (error[after] - error[before]);
  return length(time[before] + fraction * (time[after] - time[before]));
}

TrajectoryMetrics measure(const ForecastPair& pair, double threshold) {
  check(pair);
  TrajectoryMetrics metrics;
  metrics.error = relative_error(pair);
  metrics.l2_error = relative_l2_error(pair);
  metrics.valid_time = valid_prediction_time(pair.time, metrics.error, threshold);
  metrics.diverged =
      !std::all_of(pair.forecast.begin(), pair.forecast.end(), [](double x) { return std::isfinite(x); });
  return metrics;
}

StepConsistency compare_steps(const ForecastPair& pair, double threshold) {
  check(pair);
  return {relative_l2_error(pair), valid_prediction_time(pair.time, relative_error(pair), threshold)};
}

}  // namespace spnode::core

#include "core/metrics/component_errors.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace spnode::core {

namespace {

double magnitude(double error) {
  return std::isfinite(error) ? std::abs(error) : std::numeric_limits<double>::infinity();
}

}  // namespace

void raise_component_errors(const ForecastPair& pair, std::span<const double> scale,
                            std::span<double> largest) {
  for (std::size_t i = 0; i < largest.size(); ++i)
    largest[i] =
        std::max(largest[i], magnitude((pair.forecast[i] - pair.truth[i]) / scale[i % scale.size()]));
}

double conserved_drift(const ForecastPair& pair, std::span<const double> weights) {
  double largest = 0.0;
  for (std::size_t t = 0; t < pair.times(); ++t) {
    double drift = 0.0;
    for (std::size_t c = 0; c < weights.size(); ++c)
      drift += weights[c] * (pair.forecast[t * weights.size() + c] - pair.truth[c]);
    largest = std::max(largest, magnitude(drift));
  }
  return largest;
}

void add_component_values(const ForecastPair& pair, std::span<double> sums) {
  for (std::size_t i = 0; i < pair.truth.size(); ++i) sums[i % sums.size()] += pair.truth[i];
}

void add_component_squares(const ForecastPair& pair, std::span<const double> mean, std::span<double> sums) {
  const std::size_t m = mean.size();
  for (std::size_t i = 0; i < pair.truth.size(); ++i) {
    const double away = pair.truth[i] - mean[i % m];
    sums[i % m] += away * away;
  }
  if (!std::ranges::all_of(pair.forecast, [](double x) { return std::isfinite(x); })) return;
  for (std::size_t i = 0; i < pair.truth.size(); ++i) {
    const double error = pair.forecast[i] - pair.truth[i];
    sums[m + i % m] += error * error;
  }
}

}  // namespace spnode::core

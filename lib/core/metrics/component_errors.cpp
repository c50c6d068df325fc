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

}  // namespace spnode::core

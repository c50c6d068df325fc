#include "core/loss/weights.hpp"

#include <algorithm>
#include <cmath>

namespace spnode::core {
namespace {

double interval_length(TimeWeights kind, std::span<const double> times, std::size_t i) {
  if (kind == TimeWeights::trapezoid) return std::abs(times[i + 1] - times[i]);
  if (times[i] != 0.0 && times[i + 1] != 0.0) return std::abs(std::log(std::abs(times[i + 1] / times[i])));
  const std::size_t neighbour = times[i] == 0.0 ? i + 1 : i - 1;
  const bool exists = neighbour + 1 < times.size();
  return exists ? std::abs(std::log(std::abs(times[neighbour + 1] / times[neighbour]))) : 1.0;
}

}  // namespace

void time_weights(TimeWeights kind, std::span<const double> times, std::span<double> weights) {
  if (kind == TimeWeights::uniform) {
    std::ranges::fill(weights, 1.0 / double(weights.size()));
    return;
  }
  std::ranges::fill(weights, 0.0);
  double total = 0.0;
  for (std::size_t i = 0; i + 1 < times.size(); ++i) {
    const double length = interval_length(kind, times, i);
    weights[i] += 0.5 * length;
    weights[i + 1] += 0.5 * length;
    total += length;
  }
  for (double& weight : weights) weight /= total;
}

}  // namespace spnode::core

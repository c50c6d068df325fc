#include "training/start/differences.hpp"

#include "core/matrix_functions/differences.hpp"
#include "core/support/error.hpp"
#include "core/support/stored_precision.hpp"
#include "core/support/text.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace spnode::training {

std::size_t difference_order(std::size_t times, std::size_t order) {
  return std::min(order, times - 1) / 2 * 2;
}

void for_each_difference(const LatentTrajectories& data, std::size_t trajectory, std::size_t reach,
                         std::span<const double> states,
                         const std::function<void(std::size_t, std::span<const double>)>& visit) {
  const std::size_t n = data.dimension;
  std::vector<double> times(2 * reach + 1), weights(times.size()), work(times.size()), derivative(n);
  for (std::size_t t = reach; t + reach < data.times; ++t) {
    if (!data.has(trajectory, t - reach, t + reach)) continue;
    for (std::size_t j = 0; j < times.size(); ++j) times[j] = data.time(trajectory, t - reach + j);
    core::derivative_weights(times[reach], times, weights, work);
    for (std::size_t i = 0; i < n; ++i) {
      derivative[i] = 0.0;
      for (std::size_t j = 0; j < times.size(); ++j)
        derivative[i] += weights[j] * states[(t - reach + j) * n + i];
    }
    visit(t, derivative);
  }
}

EvenStep even_step(const LatentTrajectories& data, std::size_t trajectory, const char* method) {
  const double first = data.time(trajectory, 0), last = data.time(trajectory, data.times - 1);
  const double h = (last - first) / static_cast<double>(data.times - 1);
  core::StoredPrecision precision;
  for (std::size_t t = 0; t < data.times; ++t) precision.add(data.time(trajectory, t));
  const double rounding =
      std::max(precision.epsilon(), data.time_epsilon) * std::max(std::abs(first), std::abs(last));
  const EvenStep even{h, 1e-8 * std::abs(h) + 2.0 * rounding};
  double least = h, most = h;
  for (std::size_t t = 0; t + 1 < data.times; ++t) {
    const double step = data.time(trajectory, t + 1) - data.time(trajectory, t);
    least = std::min(least, step);
    most = std::max(most, step);
  }
  if (most - h > even.tolerance || h - least > even.tolerance)
    throw UsageError(
        std::string(method) + " needs evenly spaced times; the longest step is " +
        rounded(std::max(most / least, least / most), 9) +
        " times the shortest. Operator inference, and regression on differences, take any times");
  return even;
}

}  // namespace spnode::training

#include "training/start/differences.hpp"

#include "core/matrix_functions/differences.hpp"

#include <algorithm>
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

}  // namespace spnode::training

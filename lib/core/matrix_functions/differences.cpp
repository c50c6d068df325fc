#include "core/matrix_functions/differences.hpp"

#include <algorithm>

namespace spnode::core {

void derivative_weights(double at, std::span<const double> times, std::span<double> weights,
                        std::span<double> work) {
  // value_j: weights of the interpolation at `at` by the first i times.
  const std::size_t n = times.size();
  const std::span<double> value = work;
  std::ranges::fill(value, 0.0);
  std::ranges::fill(weights, 0.0);
  value[0] = 1.0;
  double old_product = 1.0;
  for (std::size_t i = 1; i < n; ++i) {
    double product = 1.0;
    const double here = times[i] - at, before = times[i - 1] - at;
    for (std::size_t j = 0; j < i; ++j) {
      const double distance = times[i] - times[j];
      product *= distance;
      if (j + 1 == i) {
        weights[i] = old_product / product * (value[i - 1] - before * weights[i - 1]);
        value[i] = -old_product / product * before * value[i - 1];
      }
      weights[j] = (here * weights[j] - value[j]) / distance;
      value[j] = here * value[j] / distance;
    }
    old_product = product;
  }
}

}  // namespace spnode::core

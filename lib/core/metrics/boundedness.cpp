#include "core/metrics/boundedness.hpp"

#include <algorithm>
#include <cmath>

namespace spnode::core {

void NormStatistics::add(std::span<const double> states, std::size_t components) {
  for (std::size_t first = 0; first < states.size(); first += components) {
    double square = 0.0;
    for (const double x : states.subspan(first, components)) square += x * x;
    if (!std::isfinite(square)) {
      finite_ = false;
      continue;
    }
    largest_ = std::max(largest_, std::sqrt(square));
    squares_ += square;
    ++count_;
  }
}

double NormStatistics::mean_square() const {
  return count_ == 0 ? 0.0 : squares_ / static_cast<double>(count_);
}

}  // namespace spnode::core

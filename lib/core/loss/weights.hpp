#pragma once

#include "core/loss/options.hpp"

#include <span>

namespace spnode::core {

/// Quadrature weights over the times of a window; they sum to one.
///
/// times: strictly monotone, at least two; weights: the same length, overwritten. Logarithmic weights are the
/// trapezoidal rule in log |t|; an interval that starts at t = 0 counts as long as the one after it.
void time_weights(TimeWeights kind, std::span<const double> times, std::span<double> weights);

}  // namespace spnode::core

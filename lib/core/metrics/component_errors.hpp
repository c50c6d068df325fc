#pragma once
/// Largest errors of single components over many trajectories, and of a quantity that the truth conserves.
/// Maxima do not depend on the order: ranks combine them by the larger one.

#include "core/metrics/forecast_metrics.hpp"

#include <span>

namespace spnode::core {

/// largest (times, components) = max(largest, |forecast - truth| / scale); infinite where the forecast is not
/// finite.
/// @param scale (components), above 0
void raise_component_errors(const ForecastPair& pair, std::span<const double> scale,
                            std::span<double> largest);

/// Largest |w . (forecast(t) - truth(0))| over the times: how far the linear quantity w . x drifts from its
/// value at the first state. Infinite where the forecast is not finite.
/// @param weights (components), not all 0
double conserved_drift(const ForecastPair& pair, std::span<const double> weights);

/// Adds to sums (components) over the times: those of the true states;
void add_component_values(const ForecastPair& pair, std::span<double> sums);

/// then to sums (2, components): the squares of truth - mean, and those of the errors where the forecast is
/// finite throughout.
/// @param mean (components), of the truth
void add_component_squares(const ForecastPair& pair, std::span<const double> mean, std::span<double> sums);

}  // namespace spnode::core

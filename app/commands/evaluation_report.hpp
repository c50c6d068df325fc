#pragma once
/// Mean metrics as text, and against what the deck asks for.

#include <string>
#include <vector>

#include "app/deck.hpp"
#include "core/metrics/mean_metrics.hpp"

namespace spnode::app {

/// metrics.csv: `metric,time,value`; numbers that belong to no time have none. `time`: (times).
std::string metrics_csv(const core::MeanMetrics& mean, double threshold, const std::vector<double>& time);

/// The same for people, with the error at some ten times.
std::string metrics_table(const core::MeanMetrics& mean, double threshold, const std::vector<double>& time);

/// Raises CheckFailed where the forecasts are worse than the deck requires.
void require_accuracy(const EvaluateOptions& options, const core::MeanMetrics& mean);

}  // namespace spnode::app

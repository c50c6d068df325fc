#include "app/commands/evaluation_report.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "core/error.hpp"

namespace spnode::app {

namespace {

/// Scalars of metrics.csv and of the table.
std::vector<std::pair<std::string, double>> scalars_of(const core::MeanMetrics& mean, double threshold) {
  std::vector<std::pair<std::string, double>> scalars = {
      {"trajectories", static_cast<double>(mean.trajectories)},
      {"diverged", static_cast<double>(mean.diverged)},
      {"threshold", threshold},
      {"valid_prediction_time", mean.valid_time},
      {"valid_prediction_time_deviation", mean.valid_time_deviation},
      {"relative_l2_error", mean.l2_error}};
  if (mean.consistency) {
    scalars.emplace_back("step_halving_difference", mean.consistency->difference);
    scalars.emplace_back("step_halving_agreement_time", mean.consistency->agreement_time);
  }
  return scalars;
}

}  // namespace

std::string metrics_csv(const core::MeanMetrics& mean, double threshold, const std::vector<double>& time) {
  std::string text = "metric,time,value\n";
  for (const auto& [name, value] : scalars_of(mean, threshold)) text += fmt::format("{},,{}\n", name, value);
  for (std::size_t t = 0; t < mean.error.size(); ++t)
    text += fmt::format("relative_error,{},{}\n", time[t], mean.error[t]);
  return text;
}

std::string metrics_table(const core::MeanMetrics& mean, double threshold, const std::vector<double>& time) {
  std::string text = fmt::format("Forecasts of {} trajectories over {:g} time units\n", mean.trajectories,
                                 time.back() - time.front());
  for (const auto& [name, value] : scalars_of(mean, threshold))
    text += fmt::format("  {:<34}{:>14.6g}\n", name, value);
  text += "  mean relative error over time\n";
  const std::size_t lines = std::min<std::size_t>(time.size(), 10);
  for (std::size_t i = 0; i < lines; ++i) {
    const std::size_t t = lines > 1 ? i * (time.size() - 1) / (lines - 1) : 0;
    text += fmt::format("  {:>20.6g}{:>28.3e}\n", time[t], mean.error[t]);
  }
  return text;
}

void require_accuracy(const EvaluateOptions& options, const core::MeanMetrics& mean) {
  if (options.require_valid_time > 0.0 && !(mean.valid_time >= options.require_valid_time))
    throw CheckFailed(
        fmt::format("the mean valid prediction time is {:.6g}; evaluate.require_valid_time asks for {:.6g}",
                    mean.valid_time, options.require_valid_time));
  if (options.require_error > 0.0 && (mean.diverged > 0 || !(mean.l2_error <= options.require_error)))
    throw CheckFailed(
        fmt::format("the mean relative error is {:.6g} and {} forecasts diverged; evaluate.require_error "
                    "asks for {:.6g} at most",
                    mean.l2_error, mean.diverged, options.require_error));
}

}  // namespace spnode::app

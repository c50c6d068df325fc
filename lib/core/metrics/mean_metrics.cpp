#include "core/metrics/mean_metrics.hpp"

#include "core/support/error.hpp"

#include <algorithm>
#include <cmath>
#include <string>

namespace spnode::core {

namespace {

/// Places in a row; the errors over time follow.
enum Place : std::size_t {
  trajectories,
  diverged,
  valid_time,
  valid_time_squared,
  l2_error,
  consistencies,
  difference,
  agreement_time,
  first_error
};

}  // namespace

std::size_t summand_count(std::size_t times) { return first_error + times; }

std::vector<double> summands(const TrajectoryMetrics& metrics,
                             const std::optional<StepConsistency>& consistency) {
  std::vector<double> row(summand_count(metrics.error.size()), 0.0);
  row[trajectories] = 1.0;
  row[valid_time] = metrics.valid_time;
  row[valid_time_squared] = metrics.valid_time * metrics.valid_time;
  // A forecast may be finite and yet so far off that its error is not.
  const bool finite =
      !metrics.diverged && std::isfinite(metrics.l2_error) &&
      std::all_of(metrics.error.begin(), metrics.error.end(), [](double e) { return std::isfinite(e); });
  if (finite) {
    row[l2_error] = metrics.l2_error;
    std::copy(metrics.error.begin(), metrics.error.end(), row.begin() + first_error);
  } else {
    row[diverged] = 1.0;
  }
  if (consistency && std::isfinite(consistency->difference)) {
    row[consistencies] = 1.0;
    row[difference] = consistency->difference;
    row[agreement_time] = consistency->agreement_time;
  }
  return row;
}

MeanMetrics mean_metrics(std::span<const double> sums) {
  if (sums.size() < first_error || !(sums[trajectories] >= 1.0))
    throw UsageError("forecast metrics: there is no trajectory to take a mean of");
  const double count = sums[trajectories], kept = count - sums[diverged];
  MeanMetrics means;
  means.trajectories = static_cast<std::size_t>(count);
  means.diverged = static_cast<std::size_t>(sums[diverged]);
  means.valid_time = sums[valid_time] / count;
  means.valid_time_deviation =
      std::sqrt(std::max(sums[valid_time_squared] / count - means.valid_time * means.valid_time, 0.0));
  means.l2_error = sums[l2_error] / kept;  // 0 / 0 where all diverged: there is no error to name
  for (const double sum : sums.subspan(first_error)) means.error.push_back(sum / kept);
  means.consistencies = static_cast<std::size_t>(sums[consistencies]);
  if (means.consistencies > 0)
    means.consistency =
        StepConsistency{sums[difference] / sums[consistencies], sums[agreement_time] / sums[consistencies]};
  return means;
}

}  // namespace spnode::core

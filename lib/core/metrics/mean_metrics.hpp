#pragma once
/// Means of forecast metrics over trajectories, in a form that ranks can add.
///
/// Each trajectory becomes a row of summands; rows of all ranks are added (exactly, by parallel::exact_sum,
/// so that the means do not depend on the ranks), and the sums become means:
///
///     row = summands(metrics, consistency)                      for each trajectory, one after the other
///     means = mean_metrics(*exact_sum(comm, rows, summand_count(times)))

#include "core/metrics/forecast_metrics.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace spnode::core {

/// Means over the trajectories of a data set that all have the same number of times. Errors are means over
/// those whose forecast did not diverge, NaN where there is none; the others count in `diverged` and with
/// their valid time.
struct MeanMetrics {
  std::size_t trajectories = 0;
  std::size_t diverged = 0;
  double valid_time = 0.0;
  double valid_time_deviation = 0.0;  ///< standard deviation over the trajectories (divided by their number)
  double l2_error = 0.0;
  std::vector<double> error;                   ///< (times)
  std::size_t consistencies = 0;               ///< trajectories that have a finite step consistency
  std::optional<StepConsistency> consistency;  ///< means; none where no trajectory has one
};

/// Length of a trajectory's row of summands.
std::size_t summand_count(std::size_t times);

/// One trajectory's row: (summand_count(times)), all finite.
/// @param consistency none where it was not measured
std::vector<double> summands(const TrajectoryMetrics& metrics,
                             const std::optional<StepConsistency>& consistency);

/// Means from the sum of any number of rows. Raises UsageError where no trajectory was counted.
/// @param sums (summand_count(times))
MeanMetrics mean_metrics(std::span<const double> sums);

}  // namespace spnode::core

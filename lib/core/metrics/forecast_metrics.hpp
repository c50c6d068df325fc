#pragma once
/// How far a forecast of one trajectory is from the truth. Arrays are on the host; nothing here communicates.

#include <cstddef>
#include <span>
#include <vector>

namespace spnode::core {

/// A forecast and what it is compared with, at the same times.
struct ForecastPair {
  std::span<const double> time;      ///< (times), strictly monotone, in either direction
  std::span<const double> forecast;  ///< (times, components) row major
  std::span<const double> truth;     ///< (times, components) row major

  std::size_t times() const { return time.size(); }
  std::size_t components() const { return time.empty() ? 0 : truth.size() / time.size(); }
};

/// Mean over the times of the 2-norm of the true state. Every sample counts the same, however the times are
/// spread.
double mean_norm(const ForecastPair& pair);

/// (times): ||forecast - truth||_2 at each time over the truth's mean_norm: small where the truth passes near
/// 0, too. Infinite where the forecast is not finite, or differs from a truth that is 0 throughout.
std::vector<double> relative_error(const ForecastPair& pair);

/// sqrt(sum ||forecast - truth||^2 / sum ||truth||^2) over the times; infinite as relative_error is.
double relative_l2_error(const ForecastPair& pair);

/// Length of time from the first sample until the error first exceeds `threshold`, in the line through the
/// samples before and after; where the sample after is not finite, the time of the one before. 0 where the
/// first sample's error is beyond it; the whole length where none is. Never negative, for backward forecasts
/// either.
/// @param time (times), not empty
/// @param error (times), such as relative_error
double valid_prediction_time(std::span<const double> time, std::span<const double> error, double threshold);

/// What one trajectory says about a model.
struct TrajectoryMetrics {
  double valid_time = 0.0;    ///< valid_prediction_time
  double l2_error = 0.0;      ///< relative_l2_error
  std::vector<double> error;  ///< (times) relative_error
  bool diverged = false;      ///< the forecast is not finite somewhere
};

/// All of them. Raises UsageError where the shapes do not fit or there is no time.
TrajectoryMetrics measure(const ForecastPair& pair, double threshold);

/// Is a model an ODE or a map? One that was trained with a step too long for its integrator forecasts
/// something else with half the step.
struct StepConsistency {
  double difference = 0.0;      ///< relative_l2_error of the forecast against that with half its step
  double agreement_time = 0.0;  ///< until they differ by more than the threshold, as valid_prediction_time
};

/// Compares forecasts from the same state. `pair.forecast` was made with the given step, `pair.truth` with
/// half of it. Raises UsageError as `measure` does.
StepConsistency compare_steps(const ForecastPair& pair, double threshold);

}  // namespace spnode::core

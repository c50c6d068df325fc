#pragma once
/// What `evaluate` measures, over the trajectories of all ranks.

#include <optional>
#include <string>
#include <vector>

#include "app/forecasting.hpp"
#include "core/metrics/field_statistics.hpp"
#include "core/metrics/mean_metrics.hpp"

namespace spnode::app {

/// Forecasts of one step length over one data set: a column of the table.
struct EvaluatedForecasts {
  std::vector<double> time;    ///< (times) of trajectory 0
  std::size_t components = 0;  ///< of a state
  core::MeanMetrics mean;      ///< with the step consistency where it was asked for
  /// Root mean square, over the forecasts that did not diverge, their times and the components that vary, of
  /// the error over the component's standard deviation in the data; NaN where there is none.
  double normalised_rms_error = 0.0;
  std::vector<double> component_error;  ///< (times, components), in units of the model's scaling: the largest
  std::optional<double> conserved_drift;  ///< the largest
};

/// A forecast that is only watched for its size.
struct LongRun {
  double length = 0.0;        ///< time
  std::size_t unbounded = 0;  ///< trajectories that did not stay finite
  double largest_norm = 0.0;  ///< over the largest of the data's
  double root_mean_square =
      0.0;  ///< of the trajectories that stayed finite, over that of the data; NaN of none
};

/// How far the Jacobian of the right-hand side is from the products that a data file holds, in the units of
/// the state.
struct JacobianError {
  double square = 0.0;  ///< mean over the states of the square of the Frobenius norm of the difference: exact
                        ///< where the directions are an orthonormal basis, else the estimate from them
  double relative = 0.0;  ///< root of the sum of the squares of the differences over that of the products
};

/// All of it.
struct Evaluation {
  EvaluatedForecasts trained;                      ///< with the steps of the training
  std::optional<EvaluatedForecasts> halved, fine;  ///< with half of these; on evaluate.fine_data
  std::optional<core::FieldStatistics> fields;
  std::optional<LongRun> long_run;
  std::optional<ManifoldTimes> manifold_times;  ///< mode hybrid, with the steps of the training
  std::optional<JacobianError> jacobian;  ///< where the file has tangents and the coordinates are linear
};

/// Measures forecasts of a share against its states; `halved` may be null. Collective: the same figures, to
/// the last bit, on any number of ranks, as all functions here.
EvaluatedForecasts measure_forecasts(const parallel::Communicator& comm, const EvaluateOptions& options,
                                     const StoredModel& model, const TrajectoryShare& share,
                                     const core::Trajectories& forecast, const core::Trajectories* halved);

/// Collective. Raises UsageError where the components cannot be a periodic grid.
core::FieldStatistics measure_fields(const parallel::Communicator& comm, double period,
                                     const TrajectoryShare& share, const core::Trajectories& forecast);

/// Forecasts from the first states of the share over a time `length`. Collective.
LongRun run_long(const parallel::Communicator& comm, const StoredModel& model, const ForecastRun& run,
                 const TrajectoryShare& share, double length);

/// Compares with the tangents of the file that the share was read from, which has them; the model's
/// coordinates are linear. Collective.
JacobianError measure_jacobian(const parallel::Communicator& comm, const StoredModel& model,
                               const io::DataSource& path, const TrajectoryShare& share);

/// Whether each forecast of a share is finite throughout.
std::vector<bool> stayed_finite(const core::Trajectories& forecast);

}  // namespace spnode::app

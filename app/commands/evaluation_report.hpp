#pragma once
/// What was measured as text and as a file, and against what the deck asks for.

#include <string>

#include "app/commands/evaluation.hpp"
#include "app/deck/deck.hpp"
#include "io/atomic_file.hpp"

namespace spnode::app {

/// metrics.csv: `metric,time,value`; numbers that belong to no time have none. What is measured with half the
/// step begins with `half_step_`, on the finer grid with `fine_grid_`.
std::string metrics_csv(const Evaluation& found, const EvaluateOptions& options);

/// The same for people: a column for each way of stepping, with the error at some ten times.
std::string metrics_table(const Evaluation& found, const EvaluateOptions& options);

/// statistics.h5: histograms of (u_x, u_xx) and energies, of truth and forecasts. Collective; errors as for
/// io::write_sealed.
void write_statistics(const parallel::Communicator& comm, const std::string& path,
                      const core::FieldStatistics& fields, io::Overwrite overwrite);

/// What the deck's checks look at.
struct Accuracy {
  double valid_time = 0.0;  ///< mean valid prediction time at `threshold`
  double l2_error = 0.0;    ///< mean relative error
  double diverged = 0.0;    ///< number of forecasts
  double threshold = 0.0;
};

Accuracy accuracy_of(const Evaluation& found, const EvaluateOptions& options);

/// The same from metrics.csv. Collective; raises FileError where the file cannot be read or lacks a figure.
Accuracy read_accuracy(const parallel::Communicator& comm, const std::string& path);

/// Raises CheckFailed where the forecasts are worse than the deck requires.
void require_accuracy(const EvaluateOptions& options, const Accuracy& accuracy);

}  // namespace spnode::app

#include "app/commands/evaluation_report.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <utility>

#include "core/support/error.hpp"
#include "io/sealed_file.hpp"

namespace spnode::app {

namespace {

using Scalars = std::vector<std::pair<std::string, double>>;

/// Components of a state that are reported one by one; of more, none is.
constexpr std::size_t most_components = 12;

/// Lines of metrics.csv that are read again.
constexpr const char* valid_time_name = "valid_prediction_time";
constexpr const char* l2_error_name = "relative_l2_error";
constexpr const char* diverged_name = "diverged";
constexpr const char* threshold_name = "threshold";

/// Names and numbers of a column, of all columns in the same order.
Scalars scalars_of(const EvaluatedForecasts& column, const EvaluateOptions& options) {
  const core::MeanMetrics& mean = column.mean;
  Scalars scalars = {{"trajectories", static_cast<double>(mean.trajectories)},
                     {diverged_name, static_cast<double>(mean.diverged)},
                     {"normalised_rms_error", column.normalised_rms_error},
                     {valid_time_name, mean.valid_time},
                     {"valid_prediction_time_deviation", mean.valid_time_deviation}};
  if (options.lyapunov_time > 0.0)
    scalars.emplace_back("valid_prediction_lyapunov_times", mean.valid_time / options.lyapunov_time);
  scalars.emplace_back(l2_error_name, mean.l2_error);
  for (std::size_t c = 0; column.components <= most_components && c < column.components; ++c) {
    double largest = 0.0;
    for (std::size_t i = c; i < column.component_error.size(); i += column.components)
      largest = std::max(largest, column.component_error[i]);
    scalars.emplace_back(fmt::format("max_error_{}", c + 1), largest);
  }
  if (column.conserved_drift) scalars.emplace_back("conserved_drift", *column.conserved_drift);
  return scalars;
}

/// Numbers of the evaluation as a whole.
Scalars scalars_of(const Evaluation& found, const EvaluateOptions& options) {
  Scalars scalars = {{threshold_name, options.threshold}};
  const core::MeanMetrics& mean = found.trained.mean;
  if (found.halved)
    scalars.emplace_back("half_step_loss_percent",
                         100.0 * (1.0 - found.halved->mean.valid_time / mean.valid_time));
  if (mean.consistency) {
    scalars.emplace_back("step_halving_difference", mean.consistency->difference);
    scalars.emplace_back("step_halving_agreement_time", mean.consistency->agreement_time);
  }
  if (found.manifold_times) {
    scalars.emplace_back("reached_slow_manifold", static_cast<double>(found.manifold_times->reached));
    scalars.emplace_back("mean_time_to_slow_manifold", found.manifold_times->mean);
    scalars.emplace_back("last_time_to_slow_manifold", found.manifold_times->last);
  }
  if (found.fields) {
    const auto add = [&](const std::string& name, const core::Distance& distance) {
      scalars.emplace_back(name, distance.forecast);
      scalars.emplace_back(name + "_of_truth", distance.truth);
    };
    add("pdf_l1", found.fields->pdf_l1);
    add("pdf_jensen_shannon", found.fields->pdf_jensen_shannon);
    add("energy_distance", found.fields->energy);
  }
  if (found.jacobian) {
    scalars.emplace_back("jacobian_error", found.jacobian->square);
    scalars.emplace_back("relative_jacobian_error", found.jacobian->relative);
  }
  if (found.long_run) {
    scalars.emplace_back("long_run", found.long_run->length);
    scalars.emplace_back("long_run_unbounded", static_cast<double>(found.long_run->unbounded));
    scalars.emplace_back("long_run_largest_norm", found.long_run->largest_norm);
    scalars.emplace_back("long_run_root_mean_square", found.long_run->root_mean_square);
  }
  return scalars;
}

/// The columns that there are: prefix in metrics.csv, heading of the table, numbers.
struct Column {
  std::string prefix, heading;
  const EvaluatedForecasts& forecasts;
};

std::vector<Column> columns_of(const Evaluation& found) {
  std::vector<Column> columns = {{"", "as trained", found.trained}};
  if (found.halved) columns.push_back({"half_step_", "half the step", *found.halved});
  if (found.fine) columns.push_back({"fine_grid_", "finer grid", *found.fine});
  return columns;
}

/// Of metrics.csv. A mean of nothing, all forecasts having diverged, has no sign.
std::string number(double value) { return std::isnan(value) ? "nan" : fmt::format("{}", value); }

/// Of the table.
enum class Notation { plain, scientific };
std::string cell(double value, Notation notation = Notation::plain) {
  if (std::isnan(value)) return fmt::format("{:>16}", "-");
  return notation == Notation::plain ? fmt::format("{:>16.6g}", value) : fmt::format("{:>16.3e}", value);
}

std::string series_csv(const Column& column) {
  const EvaluatedForecasts& forecasts = column.forecasts;
  std::string text;
  for (std::size_t t = 0; t < forecasts.time.size(); ++t)
    text += fmt::format("{}relative_error,{},{}\n", column.prefix, forecasts.time[t],
                        number(forecasts.mean.error[t]));
  for (std::size_t c = 0; forecasts.components <= most_components && c < forecasts.components; ++c)
    for (std::size_t t = 0; t < forecasts.time.size(); ++t)
      text += fmt::format("{}component_error_{},{},{}\n", column.prefix, c + 1, forecasts.time[t],
                          number(forecasts.component_error[t * forecasts.components + c]));
  return text;
}

/// The error at the time nearest to `time`.
double error_near(const EvaluatedForecasts& forecasts, double time) {
  std::size_t nearest = 0;
  for (std::size_t t = 1; t < forecasts.time.size(); ++t)
    if (std::abs(forecasts.time[t] - time) < std::abs(forecasts.time[nearest] - time)) nearest = t;
  return forecasts.mean.error[nearest];
}

/// The numbers of metrics.csv that belong to no time.
std::map<std::string, double> read_scalars(const std::string& path) {
  std::ifstream file(path);
  std::map<std::string, double> scalars;
  for (std::string line; std::getline(file, line);) {
    const std::size_t comma = line.find(",,");
    if (comma == std::string::npos) continue;
    const char* const number = line.c_str() + comma + 2;
    char* end = nullptr;
    const double value = std::strtod(number, &end);
    if (end != number && *end == '\0') scalars[line.substr(0, comma)] = value;
  }
  return scalars;
}

}  // namespace

std::string metrics_csv(const Evaluation& found, const EvaluateOptions& options) {
  std::string text = "metric,time,value\n";
  for (const Column& column : columns_of(found))
    for (const auto& [name, value] : scalars_of(column.forecasts, options))
      text += fmt::format("{}{},,{}\n", column.prefix, name, number(value));
  for (const auto& [name, value] : scalars_of(found, options))
    text += fmt::format("{},,{}\n", name, number(value));
  for (const Column& column : columns_of(found)) text += series_csv(column);
  return text;
}

std::string metrics_table(const Evaluation& found, const EvaluateOptions& options) {
  const std::vector<Column> columns = columns_of(found);
  const std::vector<double>& time = found.trained.time;
  std::string text = fmt::format("Forecasts of {} trajectories over {:g} time units\n  {:<34}",
                                 found.trained.mean.trajectories, time.back() - time.front(), "");
  for (const Column& column : columns) text += fmt::format("{:>16}", column.heading);
  const Scalars first = scalars_of(found.trained, options);
  for (std::size_t row = 0; row < first.size(); ++row) {
    text += fmt::format("\n  {:<34}", first[row].first);
    for (const Column& column : columns) text += cell(scalars_of(column.forecasts, options)[row].second);
  }
  text += "\n  mean relative error at time\n";
  const std::size_t lines = std::min<std::size_t>(time.size(), 10);
  for (std::size_t i = 0; i < lines; ++i) {
    const std::size_t t = lines > 1 ? i * (time.size() - 1) / (lines - 1) : 0;
    text += fmt::format("  {:>34.6g}", time[t]);
    for (const Column& column : columns)
      text += cell(error_near(column.forecasts, time[t]), Notation::scientific);
    text += "\n";
  }
  for (const auto& [name, value] : scalars_of(found, options))
    text += fmt::format("  {:<34}{}\n", name, cell(value));
  return text;
}

void write_statistics(const parallel::Communicator& comm, const std::string& path,
                      const core::FieldStatistics& fields, io::Overwrite overwrite) {
  io::write_sealed(comm, path, "spnode.statistics", 1, overwrite, [&](io::hdf5::File& file) {
    constexpr std::size_t bins = core::JointHistogram::bins;
    const auto write_counts = [&](const std::string& name, const std::vector<std::uint64_t>& counts) {
      const std::vector<std::int64_t> inside(counts.begin(), counts.end() - 1);
      file.write(name, inside, {bins, bins});
      file.set_attribute(name, "outside", static_cast<std::int64_t>(counts.back()));
    };
    file.write("/pdf/u_x_range", std::vector{fields.box.low_x, fields.box.high_x}, {2});
    file.write("/pdf/u_xx_range", std::vector{fields.box.low_y, fields.box.high_y}, {2});
    write_counts("/pdf/truth", fields.pdf_truth);
    write_counts("/pdf/forecast", fields.pdf_forecast);
    file.write("/energy/wavenumber", fields.wavenumber, {fields.wavenumber.size()});
    file.write("/energy/truth", fields.energy_truth, {fields.energy_truth.size()});
    file.write("/energy/forecast", fields.energy_forecast, {fields.energy_forecast.size()});
  });
}

Accuracy accuracy_of(const Evaluation& found, const EvaluateOptions& options) {
  const core::MeanMetrics& mean = found.trained.mean;
  return {mean.valid_time, mean.l2_error, static_cast<double>(mean.diverged), options.threshold};
}

Accuracy read_accuracy(const parallel::Communicator& comm, const std::string& path) {
  std::array<double, 4> figures{};
  parallel::collectively(comm, [&] {
    if (!comm.is_root()) return;
    const std::map<std::string, double> scalars = read_scalars(path);
    std::size_t i = 0;
    for (const char* name : {valid_time_name, l2_error_name, diverged_name, threshold_name}) {
      const auto found = scalars.find(name);
      if (found == scalars.end())
        throw FileError(path + ": there is no number '" + name + "'; evaluate again with --overwrite");
      figures[i++] = found->second;
    }
  });
  MPI_Bcast(figures.data(), static_cast<int>(figures.size()), MPI_DOUBLE, 0, comm.handle());
  return {figures[0], figures[1], figures[2], figures[3]};
}

void require_accuracy(const EvaluateOptions& options, const Accuracy& accuracy) {
  if (options.require_valid_time > 0.0 && !(accuracy.valid_time >= options.require_valid_time))
    throw CheckFailed(
        fmt::format("the mean valid prediction time is {}; evaluate.require_valid_time asks for {}",
                    accuracy.valid_time, options.require_valid_time));
  if (options.require_error > 0.0 && (accuracy.diverged > 0 || !(accuracy.l2_error <= options.require_error)))
    throw CheckFailed(
        fmt::format("the mean relative error is {} and {} forecasts diverged; evaluate.require_error "
                    "asks for {} at most",
                    accuracy.l2_error, accuracy.diverged, options.require_error));
}

}  // namespace spnode::app

#pragma once
/// The program's own options: the data, and what is made of a trained model.

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "core/data/windows.hpp"
#include "core/forecast/options.hpp"
#include "core/integrators/options.hpp"
#include "core/limit_sets/options.hpp"
#include "core/support/option.hpp"
#include "io/trajectories.hpp"

namespace spnode::app {

/// A file, or a pattern of several (io/file_pattern.hpp), for which a deck may give a list.
struct FilePattern : std::string {
  using std::string::string;
  FilePattern(std::string path) : std::string(std::move(path)) {}
};

/// Where the trajectories are, and how windows are cut from them.
struct DataOptions {
  FilePattern train, validation, test;  ///< trajectory files; generate writes them
  double validation_fraction = 0.0;
  double time_unit = 0.0;       ///< 0: training::natural_time_unit()
  double memory = 0.0;          ///< MB; 0: half of what a process may hold
  io::TrajectoryLayout layout;  ///< of all files that the deck names
  FilePattern slow, manifold;   ///< of a fast-slow model, beside train
  core::WindowOptions windows;

  static void describe(auto& visit) {
    using Self = DataOptions;
    visit.option("train", &Self::train,
                 {.meaning = "trajectories to train on: a file, a pattern such as runs/*.h5, or a list of "
                             "files, as of the next two",
                  .on_resume = OnResume::free});
    visit.option(
        "validation", &Self::validation,
        {.meaning = "trajectories whose loss selects the best model; empty: the training loss selects it",
         .on_resume = OnResume::free});
    visit.option("test", &Self::test,
                 {.meaning = "trajectories for forecast and evaluate, not used in training",
                  .on_resume = OnResume::free});
    visit.option("slow", &Self::slow,
                 {.meaning = "trajectories near the slow manifold, with steps of order 1 / epsilon: of "
                             "loss.slow_data and of model.initialisation: fast_slow",
                  .on_resume = OnResume::free});
    visit.option("manifold", &Self::manifold,
                 {.meaning = "states on the slow manifold, of loss.manifold_data; those of "
                             "model.initialisation: fast_slow at epsilon = 0, or empty: they follow from "
                             "data.slow",
                  .on_resume = OnResume::free});
    visit.option("validation_fraction", &Self::validation_fraction,
                 {.meaning = "in place of a file for validation: the last part of the training trajectories, "
                             "or of the times of a single one; 0: none",
                  .limits = between(0, 0.9)});
    visit.option("time_unit", &Self::time_unit,
                 {.meaning = "training counts time in it, so that models do not depend on the unit of the "
                             "data; 0: the time in which the training data change by their deviation, or "
                             "1 where the model has no other unit. Results are in the unit of the data",
                  .unit = "time",
                  .limits = at_least(0)});
    visit.option(
        "memory", &Self::memory,
        {.meaning = "that a rank takes for the states of the training and validation data; those that "
                    "need more are read while they are used; 0: half of what there is",
         .unit = "MB",
         .limits = at_least(0),
         .on_resume = OnResume::free});
    visit.include(&Self::layout);
    visit.include(&Self::windows);
  }

  /// Raises OptionError.
  void validate() const {
    require_option(validation_fraction == 0.0 || validation.empty(), {"validation_fraction", "validation"},
                   "and validation exclude each other; give one of the two");
  }
};

/// Several forecasts from each initial state.
struct EnsembleOptions {
  std::size_t members = 1;
  double perturbation = 0.01;

  static void describe(auto& visit) {
    using Self = EnsembleOptions;
    visit.option("members", &Self::members,
                 {.meaning = "forecasts for each state; all are written, with their numbers as /parameters",
                  .limits = at_least(1)});
    visit.option("perturbation", &Self::perturbation,
                 {.meaning = "standard deviation of the normal numbers that are added to the components, in "
                             "units of the model's scaling",
                  .limits = at_least(0)});
  }
};

/// What `forecast` computes. Times: `times`, else `step` and `steps`, else those of the data.
struct ForecastOptions {
  std::string model, data, output;
  std::size_t start = 0;
  std::size_t trajectories = 0;
  double step = 0.0;
  std::size_t steps = 0;
  std::vector<double> times;
  std::size_t substeps = 0;
  double tolerance = 0.0;  ///< of adaptive steps, which `substeps` are the longest of; 0: that of the model
  core::ForecastMode mode = core::ForecastMode::full;
  core::HybridOptions hybrid;
  EnsembleOptions ensemble;

  static void describe(auto& visit) {
    using Self = ForecastOptions;
    visit.option("model", &Self::model, {.meaning = "model file; empty: model.h5 in the run directory"});
    visit.option("data", &Self::data, {.meaning = "file of the initial states; empty: data.test"});
    visit.option("output", &Self::output,
                 {.meaning = "file that is written; empty: trajectories.h5 in the run directory"});
    visit.option("start", &Self::start, {.meaning = "index of the initial state along the data's times"});
    visit.option("trajectories", &Self::trajectories,
                 {.meaning = "number of trajectories, from the first one; 0: all"});
    visit.option("step", &Self::step,
                 {.meaning = "time between two written states; negative: backwards; 0: the times of the data",
                  .unit = "time"});
    visit.option("steps", &Self::steps, {.meaning = "number of intervals of this length"});
    visit.option(
        "times", &Self::times,
        {.meaning = "explicit times, strictly monotone, beginning with that of the initial state; []: none",
         .unit = "time"});
    visit.option("substeps", &Self::substeps,
                 {.meaning = "integration steps between two written states; 0: integrator.substeps of the "
                             "model",
                  .limits = between(0, core::most_substeps)});
    visit.option(
        "tolerance", &Self::tolerance,
        {.meaning = "largest estimated relative error of a step; each trajectory uses steps as "
                    "short as necessary, or the forecast fails; 0: integrator.tolerance of the model",
         .limits = at_least(0)});
    visit.option(
        "mode", &Self::mode,
        {.meaning = "slow: on the slow manifold of a fast-slow model, y = 0, the slow variables alone "
                    "by dopri5 in steps of order 1/epsilon; hybrid: so from when y is small"});
    visit.include(&Self::hybrid);
    visit.section(
        "ensemble", &Self::ensemble,
        "Several forecasts from each initial state: from the state itself and from perturbed states.");
  }

  /// Raises OptionError.
  void validate() const;
};

/// What `evaluate` measures.
struct EvaluateOptions {
  std::string model, data;
  std::size_t trajectories = 0;
  std::string fine_data;
  core::ForecastMode mode = core::ForecastMode::full;
  core::HybridOptions hybrid;
  double threshold = 0.5;
  double lyapunov_time = 0.0;
  bool step_consistency = true;
  double spatial_period = 0.0;
  std::vector<double> conserved;
  double long_run = 0.0;
  double require_valid_time = 0.0;
  double require_error = 0.0;

  static void describe(auto& visit) {
    using Self = EvaluateOptions;
    visit.option("model", &Self::model, {.meaning = "model file; empty: model.h5 in the run directory"});
    visit.option("data", &Self::data, {.meaning = "trajectories to compare with; empty: data.test"});
    visit.option("trajectories", &Self::trajectories,
                 {.meaning = "number of trajectories, from the first one; 0: all"});
    visit.option("fine_data", &Self::fine_data,
                 {.meaning = "trajectories on a finer time grid, integrator.substeps in each interval: one "
                             "more column; empty: none"});
    visit.option(
        "mode", &Self::mode,
        {.meaning = "slow: on the slow manifold of a fast-slow model, y = 0, the slow variables alone "
                    "by dopri5 in steps of order 1/epsilon; hybrid: so from when y is small"});
    visit.include(&Self::hybrid);
    visit.option("threshold", &Self::threshold,
                 {.meaning = "relative error that ends the valid prediction time", .limits = above(0)});
    visit.option("lyapunov_time", &Self::lyapunov_time,
                 {.meaning = "additional unit for the valid prediction time; 0: none",
                  .unit = "time",
                  .limits = at_least(0)});
    visit.option("step_consistency", &Self::step_consistency,
                 {.meaning = "forecast again with half the step and compare"});
    visit.option("spatial_period", &Self::spatial_period,
                 {.meaning = "components are values on a periodic grid of this length: density of (u_x, "
                             "u_xx), energies; 0: no",
                  .unit = "length",
                  .limits = at_least(0)});
    visit.option("conserved", &Self::conserved,
                 {.meaning = "weights w of a conserved quantity w . u, whose drift is measured; []: none"});
    visit.option("long_run", &Self::long_run,
                 {.meaning = "length of a forecast, not stored, in steps of the data's first interval: is it "
                             "bounded? 0: none",
                  .unit = "time",
                  .limits = at_least(0)});
    visit.option("require_valid_time", &Self::require_valid_time,
                 {.meaning = "status 4 if the mean valid prediction time is shorter; 0: no check",
                  .unit = "time",
                  .limits = at_least(0)});
    visit.option(
        "require_error", &Self::require_error,
        {.meaning = "status 4 if the mean relative error is larger; 0: no check", .limits = at_least(0)});
  }
};

/// What `spectrum` reports.
struct SpectrumSettings {
  std::string model;
  std::size_t count = 0;
  std::size_t dense_limit = 512;
  double tolerance = 1e-12;
  std::string data;
  std::size_t states = 200;

  static void describe(auto& visit) {
    using Self = SpectrumSettings;
    visit.option("model", &Self::model, {.meaning = "model file; empty: model.h5 in the run directory"});
    visit.option(
        "count", &Self::count,
        {.meaning =
             "number of eigenvalues with the largest real parts; 0: all up to dense_limit, 20 above it"});
    visit.option("dense_limit", &Self::dense_limit,
                 {.meaning = "up to this dimension LAPACK computes all eigenvalues; above it Krylov-Schur "
                             "computes the leading ones"});
    visit.option(
        "tolerance", &Self::tolerance,
        {.meaning = "size of changes of A_L, relative to its norm, that are regarded as rounding errors",
         .limits = at_least(0)});
    visit.option("data", &Self::data,
                 {.meaning = "fast-slow model: trajectories at whose states T(x) is examined; empty: "
                             "data.test"});
    visit.option("states", &Self::states,
                 {.meaning = "fast-slow model: number of states, spread over trajectories and times",
                  .limits = between(1, 1000000)});
  }
};

/// What `closure` computes.
struct ClosureSettings {
  std::string model, data, output;
  std::size_t trajectories = 0;

  static void describe(auto& visit) {
    using Self = ClosureSettings;
    visit.option("model", &Self::model, {.meaning = "model file; empty: model.h5 in the run directory"});
    visit.option(
        "data", &Self::data,
        {.meaning = "trajectories whose states are projected onto the slow manifold; empty: data.test"});
    visit.option("output", &Self::output,
                 {.meaning = "file that is written; empty: closure.h5 in the run directory"});
    visit.option("trajectories", &Self::trajectories,
                 {.meaning = "number of trajectories, from the first one; 0: all"});
  }
};

/// What has the limit sets.
enum class LimitSetSource { model, system };

constexpr auto words_of(LimitSetSource) {
  return std::to_array<Word<LimitSetSource>>(
      {{"model", LimitSetSource::model}, {"system", LimitSetSource::system}});
}

/// What `limit_sets` computes.
struct LimitSetSettings {
  LimitSetSource source = LimitSetSource::model;
  std::string model, data;
  std::string parameter;
  double from = 0.0, to = 1.0;
  std::size_t values = 101, starts = 4;
  core::LimitSetOptions orbits;

  static void describe(auto& visit) {
    using Self = LimitSetSettings;
    visit.option("source", &Self::source,
                 {.meaning = "what has the limit sets: a model, or the system of the section generate"});
    visit.option("model", &Self::model, {.meaning = "model file; empty: model.h5 in the run directory"});
    visit.option("data", &Self::data,
                 {.meaning = "of a model: file of the initial states and of its other parameters; empty: "
                             "data.test"});
    visit.option("parameter", &Self::parameter,
                 {.meaning = "what is varied: one of model.parameters, or a key of generate such as "
                             "sigmoid_map.b; empty: nothing"});
    visit.option("from", &Self::from, {.meaning = "first value of the parameter"});
    visit.option("to", &Self::to, {.meaning = "last value of the parameter"});
    visit.option("values", &Self::values,
                 {.meaning = "equidistant values of the parameter", .limits = between(1, 1000000)});
    visit.option(
        "starts", &Self::starts,
        {.meaning = "orbits for each value, from the first states of the data, or from initial states "
                    "of the system that the seed determines",
         .limits = between(1, 10000)});
    visit.include(&Self::orbits);
  }

  /// Raises OptionError.
  void validate() const {
    require_option(values > 1 || parameter.empty() || from == to, {"values", "to"},
                   "is 1, which is a single value of the parameter: let from and to be the same");
  }
};

}  // namespace spnode::app

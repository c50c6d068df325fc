#pragma once
/// The input deck: plain options of the libraries, filled from YAML text and the command line.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/data/windows.hpp"
#include "core/integrators/options.hpp"
#include "core/loss/options.hpp"
#include "core/systems/options.hpp"
#include "core/vector_field/options.hpp"
#include "training/options.hpp"

namespace spnode::app {

/// Where the trajectories are, and how windows are cut from them.
struct DataOptions {
  std::string train, validation, test;  ///< trajectory files; generate writes them
  core::WindowOptions windows;
};

/// What `forecast` computes. Times: `times`, else `step` and `steps`, else those of the data.
struct ForecastOptions {
  std::string model;             ///< empty: RUN/model.h5
  std::string data;              ///< file of the initial states; empty: data.test
  std::string output;            ///< file that is written; empty: RUN/trajectories.h5
  std::size_t start = 0;         ///< index of the initial state along the data's time axis
  std::size_t trajectories = 0;  ///< only the first so many; 0: all
  double step = 0.0;           ///< time between two written states; negative: backwards; 0: the data's times
  std::size_t steps = 0;       ///< number of them
  std::vector<double> times;   ///< explicit times after the initial state's
  std::size_t substeps = 0;    ///< integration steps between two written states; 0: as trained
  double tolerance = 0.0;      ///< of adaptive steps, which `substeps` are the longest of; 0: equal steps
  std::size_t members = 1;     ///< of an ensemble for each initial state
  double perturbation = 0.01;  ///< of its members, in units of the model's scaling
};

/// What `evaluate` measures.
struct EvaluateOptions {
  std::string model;                ///< empty: RUN/model.h5
  std::string data;                 ///< empty: data.test
  std::size_t trajectories = 0;     ///< only the first so many; 0: all
  std::string fine_data;            ///< the same on a finer time grid; empty: none
  double threshold = 0.5;           ///< relative error at which a forecast stops being valid
  double lyapunov_time = 0.0;       ///< unit beside the valid prediction time; 0: none
  bool step_consistency = true;     ///< forecast again with half the step
  double spatial_period = 0.0;      ///< the components are a periodic grid of this length; 0: they are not
  std::vector<double> conserved;    ///< weights of a linear conserved quantity; empty: none
  double long_run = 0.0;            ///< length of a forecast that is only watched for its size; 0: none
  double require_valid_time = 0.0;  ///< status 4 where the mean valid prediction time is below; 0: no check
  double require_error = 0.0;       ///< status 4 where the mean relative error is above; 0: no check
};

/// What `spectrum` reports.
struct SpectrumSettings {
  std::string model;              ///< empty: RUN/model.h5
  std::size_t count = 0;          ///< eigenvalues of largest real part; 0: all
  std::size_t dense_limit = 512;  ///< up to this dimension LAPACK computes all of them
  double tolerance = 1e-12;       ///< changes of A_L so large, relative to its norm, break no bound
};

/// Everything that a deck can say.
struct Deck {
  Deck();

  std::string output = "runs/spnode";  ///< RUN
  std::uint64_t seed = 1;
  DataOptions data;
  std::optional<core::SystemKind> system;  ///< what `generate` simulates; none: the user brings the data
  core::GenerateOptions generate;          ///< its options; `system` above is the one that counts
  core::ModelOptions model;
  core::IntegratorOptions integrator;
  core::LossOptions loss;
  training::TrainingOptions training;
  ForecastOptions forecast;
  EvaluateOptions evaluate;
  SpectrumSettings spectrum;
};

/// The deck in `text` with `overrides` (words of the form section.key=value) applied in order.
/// `name` is the name of the text in messages. Raises UsageError naming the place, the value found and what
/// is allowed: for unknown keys, wrong types, values out of range and contradictory keys. Not collective.
Deck read_deck(const std::string& text, const std::string& name, const std::vector<std::string>& overrides);

/// The whole deck as YAML, every key with its value: reading it again gives the same deck.
std::string print_deck(const Deck& deck);

}  // namespace spnode::app

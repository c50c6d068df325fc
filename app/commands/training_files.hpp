#pragma once
/// The files that a training writes into the run directory.

#include <optional>
#include <string>
#include <vector>

#include "app/commands/commands.hpp"
#include "app/model_store.hpp"
#include "distributed/trainer.hpp"
#include "io/history.hpp"

namespace spnode::app {

/// model.h5, checkpoint.h5, history.csv and deck.yaml of a run. All members are collective.
class TrainingFiles {
 public:
  /// Prepares the run directory. Raises UsageError where results of another training are there and neither
  /// --resume nor --overwrite was given, FileError where the directory cannot be written.
  explicit TrainingFiles(const Context& context);

  /// With --resume the state of the checkpoint, else a new one from theta. Starts or continues history.csv.
  /// Raises FileError for an unusable checkpoint, UsageError where it belongs to another deck.
  distributed::TrainerState starting_state(const std::vector<double>& theta);

  void checkpoint(const distributed::TrainerState& state);

  /// Appends a line to history.csv. `abscissa`: NaN where it was not computed.
  void record(const distributed::EpochRecord& record, double abscissa);

  /// Writes deck.yaml and the trained model.
  void finish(const StoredModel& model, const distributed::TrainerState& state);

 private:
  const Context& context_;
  std::string checkpoint_path_;
  std::optional<io::History> history_;
};

}  // namespace spnode::app

#pragma once
/// The files that a training writes into the run directory.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "app/commands/commands.hpp"
#include "app/model_store.hpp"
#include "io/directory_lock.hpp"
#include "io/history.hpp"
#include "training/trainer.hpp"

namespace spnode::app {

/// The data that a run was made from, by what their checkpoint calls them; see io::identify.
using DataIdentities = std::map<std::string, std::string>;

/// model.h5, checkpoint.h5, history.csv and deck.yaml of a run, which no other program writes while the
/// object lives. All members are collective.
class TrainingFiles {
 public:
  /// Prepares and locks the run directory. Raises UsageError where another program writes there, where
  /// results of another training or files of other origin are there and neither --resume nor --overwrite was
  /// given, or where the deck or its data would be written over; FileError where the directory cannot be
  /// written.
  explicit TrainingFiles(const Context& context);

  /// With --resume the state of the checkpoint, else a new one from theta. Starts or continues history.csv.
  /// `identify` is collective; it is called here or with the first checkpoint.
  /// Raises FileError for an unusable checkpoint or one of other data, UsageError where it belongs to another
  /// deck.
  training::TrainerState starting_state(const std::vector<double>& theta,
                                        std::function<DataIdentities()> identify);

  /// From now on, models are written with parameters that are made of those that train.
  void write_parameters_as(std::function<std::vector<double>(std::span<const double>)> written) {
    written_ = std::move(written);
  }

  void checkpoint(const training::TrainerState& state);

  /// Whether the best model is written at once, or only if the last time was some seconds ago.
  enum class Writing { when_due, at_once };

  /// Writes the best parameters so far, where model.h5 has others, into `model` and the file.
  void keep_best(StoredModel& model, const training::TrainerState& state, Writing writing);

  /// Appends a line to history.csv. `abscissa`: NaN where it was not computed.
  void record(const training::EpochRecord& record, double abscissa);

  /// Writes deck.yaml and the trained model, with the parameters of the state.
  void finish(StoredModel& model, const training::TrainerState& state);

 private:
  /// Raises UsageError for results of another training, and for files that no training wrote.
  void refuse_existing(const std::string& deck_text) const;
  void store(StoredModel& model, const training::TrainerState& state, Training training);

  const Context& context_;
  std::string checkpoint_path_;
  /// The places in core::loss_terms() of the terms of the phases' losses, and beside them of what validation
  /// monitors: columns of the history, whose names are columns_.
  std::vector<std::size_t> trained_, validated_;
  std::vector<std::string> columns_;
  std::optional<io::DirectoryLock> lock_;
  std::function<std::vector<double>(std::span<const double>)> written_;
  std::function<DataIdentities()> identify_;
  DataIdentities data_;  ///< empty: not identified yet
  std::optional<io::History> history_;
  std::optional<std::pair<std::uint64_t, double>> kept_;  ///< epoch and loss of the parameters in model.h5
  std::optional<std::chrono::steady_clock::time_point> kept_at_;
};

}  // namespace spnode::app

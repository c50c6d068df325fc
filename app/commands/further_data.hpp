#pragma once
/// What the training of a fast-slow model takes beside the training data: data.slow and data.manifold.

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/commands/commands.hpp"
#include "app/data_set.hpp"
#include "core/integrators/options.hpp"
#include "training/objectives.hpp"
#include "training/trainer.hpp"

namespace spnode::app {

/// Raises FileError where a set has another number of components than the training data. Not collective.
void require_components_of(const DataSet& train, const DataSet& set);

/// The deck of a training on whole trajectories of another file.
Deck deck_beside(const Deck& deck, const std::string& path, const core::LossOptions& loss);

/// Whole trajectories of a file beside the training data; none without a path. Collective.
std::optional<DataSet> load_beside(const Context& context, const std::string& path, const DataSet& train);

/// The data sets beside the training data whose terms have weight, with their losses. Trajectories are taken
/// whole. Where there are validation data, the last part of each set validates, too: that of
/// data.validation_fraction, or a tenth.
class FurtherSets {
 public:
  /// Collective. Raises as load_data_set does.
  FurtherSets(const Context& context, const DataSet& train);

  /// Collective. Raises as training::make_objectives does.
  void make_objectives(const Context& context, const training::InitialModel& start);

  /// Must not outlive this.
  std::vector<training::FurtherData> list() const;

  /// A line for each: "FILE: 90 windows of 10 intervals, on the slow manifold".
  std::string description() const;

 private:
  struct Set {
    DataSet train;
    std::optional<DataSet> validation;
    core::LossOptions loss;
    core::DynamicsMode mode;
    std::unique_ptr<core::TileObjective> objective = nullptr;
  };
  std::deque<Set> sets_;
};

}  // namespace spnode::app

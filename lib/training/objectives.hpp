#pragma once
/// The losses of a training, made for its data.

#include "core/integrators/options.hpp"
#include "core/loss/options.hpp"
#include "core/loss/tile_objective.hpp"
#include "parallel/communicator.hpp"
#include "training/data_set.hpp"
#include "training/projection.hpp"
#include "training/start/initial_model.hpp"

#include <memory>
#include <vector>

namespace spnode::training {

/// All ranks' step lengths without repetitions: ascending, the same on every rank. Collective.
std::vector<double> union_of_steps(const parallel::Communicator& comm, const std::vector<double>& mine);

/// What a training minimises.
struct ObjectiveSetup {
  core::IntegratorOptions integrator;
  core::LossOptions loss;
  bool pretrain = false;  ///< make the loss of the reconstruction alone, too
  /// Of model and data, where they are projected.
  const LatentProjection* projection = nullptr;
};

/// The loss that is pretrained beside `loss`: the reconstruction alone.
core::LossOptions pretraining_loss(const core::LossOptions& loss);

/// The two losses of a training, in the precision of the model: of the rollout, and of the autoencoder's
/// reconstruction alone (null without pretrain).
struct Objectives {
  std::unique_ptr<core::TileObjective> rollout, reconstruction;
};

/// The step lengths of both data sets are known to the losses; how functions of A_L act is chosen for
/// start.theta. `start` must outlive the result. `validation` may be null. Collective. Raises UsageError
/// where the options of integrator or loss do not fit model and data, FileError as component_weights().
Objectives make_objectives(const parallel::Communicator& comm, const ObjectiveSetup& options,
                           const InitialModel& start, const DataSet& train, const DataSet* validation);

/// The loss of a data set beside the training data, whose rollouts are of that mode. As make_objectives.
std::unique_ptr<core::TileObjective> make_further_objective(const parallel::Communicator& comm,
                                                            const ObjectiveSetup& options,
                                                            core::DynamicsMode mode,
                                                            const InitialModel& start, const DataSet& train,
                                                            const DataSet* validation);

}  // namespace spnode::training

#pragma once
/// The model before training: scaling and POD from the data, parameters from the seed.

#include <memory>
#include <string>
#include <vector>

#include "app/data_set.hpp"
#include "app/deck/deck.hpp"
#include "core/loss/tile_objective.hpp"
#include "core/vector_field/model.hpp"

namespace spnode::app {

/// A model with its parameters theta (model->layout().size()).
struct ModelState {
  std::unique_ptr<core::Model> model;
  std::vector<double> theta;
  std::string note;  ///< how a start from data fits them; empty where there was none
};

/// The model that the deck describes, at its start. The same bits on every number of ranks. Collective.
/// Raises UsageError where the deck does not fit the data.
ModelState initial_model(const parallel::Communicator& comm, const Deck& deck, const DataSet& train);

/// The two losses of a training: of the rollout, and of the autoencoder's reconstruction alone (null where
/// there is no pretraining), in the precision of the deck.
struct Objectives {
  std::unique_ptr<core::TileObjective> rollout, reconstruction;
};

/// `validation` may be null. Collective.
Objectives make_objectives(const parallel::Communicator& comm, const Deck& deck, const ModelState& start,
                           const DataSet& train, const DataSet* validation);

}  // namespace spnode::app

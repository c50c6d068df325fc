#pragma once
/// The initial states of a forecast, with the members of their ensembles.

#include <string>
#include <vector>

#include "app/forecasting.hpp"

namespace spnode::app {

/// This rank's share of the trajectories to be forecast: the ensembles one after the other.
struct Ensemble {
  std::size_t count = 0;       ///< over all ranks
  parallel::Range range;       ///< of this rank
  core::Trajectories initial;  ///< one time: the first states
  core::Trajectories axis;     ///< times of the data from there on, without states; empty where the deck
                               ///< names times
  std::vector<std::string> parameters;  ///< names, sorted; ensembles add `member` and `trajectory`
};

/// Reads the first states of the first info.count trajectories and perturbs them: member 0 of an ensemble is
/// the state itself, the others have independent normal numbers added to their components, times
/// forecast.ensemble.perturbation and the model's scaling. They depend on the seed and the member alone.
/// Collective. Raises FileError where the file is unusable.
Ensemble read_members(const parallel::Communicator& comm, const Deck& deck, const StoredModel& model,
                      const io::DataSource& path, const io::TrajectoryInfo& info);

}  // namespace spnode::app

#pragma once
/// A short training of a deck on data in memory, and the error of its forecasts.

#include <cstddef>
#include <string>

#include "app/deck/deck.hpp"
#include "core/data/trajectories.hpp"
#include "parallel/communicator.hpp"

namespace spnode::app {

/// How a trial went.
struct Trial {
  std::string failure;        ///< why there is no model; empty: there is one
  double error = 0.0;         ///< normalised_rms_error of the forecasts of the held-out trajectories
  double valid = 0.0;         ///< mean valid prediction time over the length of the trajectories
  std::size_t diverged = 0;   ///< forecasts that did
  std::size_t forecasts = 0;  ///< of them
  double seconds = 0.0;       ///< wall-clock time
};

/// Whether a trial's model is to be preferred to one of a smaller class: where its error is less than half,
/// or where forecasts are valid for longer and those of both leave the truth.
bool better(const Trial& one, const Trial& other);

/// Trains for at most `seconds`, give or take an epoch, and forecasts the held-out trajectories with the best
/// model. All ranks hold the same trajectories. Collective; failures of the model are part of the result.
Trial run_trial(const parallel::Communicator& comm, const Deck& deck, const core::Trajectories& train,
                const core::Trajectories& held_out, double seconds);

}  // namespace spnode::app

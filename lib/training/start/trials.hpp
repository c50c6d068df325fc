#pragma once
/// Several starts, each trained for a short while.

#include "training/trainer.hpp"

#include <cstddef>
#include <functional>
#include <vector>

namespace spnode::training {

/// Trains setup.options.starts starts, start(0), start(1), ..., for at most start_epochs epochs or iterations
/// of each phase, without hooks and signals, and returns the best parameters of the one with the lowest
/// validation loss, of equal ones the first. A start whose loss does not stay finite is left out.
///
/// `report` is called after each with its number and its loss. Collective; the same bits on every number of
/// ranks. Raises NumericalError where no start stays finite.
std::vector<double> best_start(const parallel::Communicator& comm, TrainerSetup setup,
                               const std::function<std::vector<double>(std::size_t)>& start,
                               const std::function<void(std::size_t, double)>& report);

}  // namespace spnode::training

#pragma once
/// How much memory a training needs.

#include <cstddef>

#include "app/commands/commands.hpp"

namespace spnode::app {

/// Bytes on the rank that needs most.
struct MemoryEstimate {
  std::size_t data = 0;        ///< trajectories of training and validation that it holds
  std::size_t parameters = 0;  ///< parameters, gradient, optimizer state, summands of the exact sum
  std::size_t work = 0;        ///< states, tapes and adjoints of one tile, measured
  std::size_t total() const { return data + parameters + work; }
};

/// For the deck on the number of ranks that asks: computes the loss and gradient of one tile of the training
/// data to see what it takes. Collective. Errors as for train.
MemoryEstimate estimate_memory(const Context& context);

}  // namespace spnode::app

#pragma once
/// How much memory a training needs.

#include <algorithm>

#include "app/commands/commands.hpp"

namespace spnode::app {

/// Bytes on the rank that needs most, beyond what the libraries hold.
struct MemoryEstimate {
  double data = 0.0;        ///< trajectories of training and validation that it holds
  double start = 0.0;       ///< POD and least squares, given back before the training
  double parameters = 0.0;  ///< parameters, gradient, sums over ranks
  double optimizer = 0.0;   ///< of the optimizer that needs most
  double work = 0.0;        ///< functions of A; states, tapes and adjoints of one tile; measured
  double total() const { return data + std::max(start, parameters + optimizer + work); }
};

/// For the deck on the number of ranks that asks: computes the loss and gradient of one tile of the training
/// data to see what it takes. Collective. Raises UsageError where more than the memory of a process is
/// needed; else errors as for train.
MemoryEstimate estimate_memory(const Context& context);

/// Raises UsageError where the ranks of a node together need more than its memory. Collective.
void require_node_memory(const parallel::Communicator& comm, const MemoryEstimate& estimate);

}  // namespace spnode::app

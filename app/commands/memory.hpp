#pragma once
/// How much memory a training needs.

#include <algorithm>
#include <string>

#include "app/commands/commands.hpp"

namespace spnode::app {

/// Bytes in which the states of data are streamed; 0: they are held.
struct StreamBytes {
  double training = 0.0, validation = 0.0;
};

/// Bytes on the rank that needs most, beyond what the libraries hold.
struct MemoryEstimate {
  double data = 0.0;         ///< trajectories of training and validation that it holds
  double start = 0.0;        ///< POD and least squares, given back before the training
  double parameters = 0.0;   ///< parameters, gradient, sums over ranks
  double optimizer = 0.0;    ///< of the optimizer that needs most
  double work = 0.0;         ///< functions of A; states, tapes and adjoints of one tile; measured
  StreamBytes streams = {};  ///< what follows from data.memory; in `data`
  double total() const { return data + std::max(start, parameters + optimizer + work); }
};

/// For the deck on the number of ranks that asks: computes the loss and gradient of one tile of the training
/// data to see what it takes. Collective. Raises UsageError where more than the memory of a process is
/// needed, or data.memory is too little; else errors as for train.
MemoryEstimate estimate_memory(const Context& context);

/// "the states of the training data are read while they are used, in 94 MB"; empty where all are held.
std::string streaming_note(const StreamBytes& streams);

/// Raises UsageError where the ranks of a node together need more than its memory. Collective.
void require_node_memory(const parallel::Communicator& comm, const MemoryEstimate& estimate);

}  // namespace spnode::app

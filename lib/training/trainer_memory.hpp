#pragma once
/// What a training holds besides its data and the tile that is computed.

#include "training/options.hpp"

#include <cstddef>

namespace spnode::training {

/// The sizes that it follows from, of rank 0, which writes checkpoints.
struct TrainingSizes {
  std::size_t ranks = 1;
  std::size_t parameters = 0, learning = 0;  ///< of theta; of its blocks that are not frozen
  std::size_t contribution = 0;              ///< TileObjective::contribution_size()
  std::size_t shares = 0;                    ///< work shares of this rank
  std::size_t validation_shares = 0;         ///< the same of the validation data
  bool validates = false;                    ///< there are validation data
};

/// Bytes of the trainer's state with the copy that a checkpoint is written from, and of the sums over ranks.
double trainer_bytes(const TrainingSizes& sizes);

/// Bytes of the phase that needs most: moments of Adam, pairs of L-BFGS, directions and normal equations of
/// Gauss-Newton.
double optimizer_bytes(const TrainingOptions& options, const TrainingSizes& sizes);

}  // namespace spnode::training

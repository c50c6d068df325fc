#pragma once
/// The windows of a trajectory file, spread over ranks.

#include <string>
#include <vector>

#include "app/deck/deck.hpp"
#include "core/data/windows.hpp"
#include "io/trajectories.hpp"
#include "parallel/communicator.hpp"
#include "parallel/partition.hpp"
#include "training/sampler.hpp"

namespace spnode::app {

/// What this rank holds of a data set: the trajectories of its own shards.
struct DataSet {
  std::string path;
  io::TrajectoryInfo info;    ///< of the whole file
  training::Sampler sampler;  ///< which windows a batch holds, and who computes them
  std::size_t times;          ///< of a trajectory, as far as they are used
  parallel::Range held;       ///< windows of this rank
  core::WindowData data;
};

/// What a data file holds. Collective. Raises FileError as io::inspect_trajectories does, and where an extent
/// is beyond what the libraries count (2^31 - 1).
io::TrajectoryInfo inspect_data(const parallel::Communicator& comm, const std::string& path);

/// The windows that the deck cuts from a data file. Raises FileError where it has no interval, UsageError
/// where no window fits. Not collective.
core::WindowIndex window_index(const std::string& path, const io::TrajectoryInfo& info, const Deck& deck);

/// Reads this rank's part of a file. Collective. Raises FileError for an unusable file, UsageError where no
/// window fits into its trajectories.
DataSet load_data_set(const parallel::Communicator& comm, const std::string& path, const Deck& deck,
                      const training::SamplerOptions& sampler);

/// The times of trajectories that the deck chooses. Raises UsageError for one that they do not have. Not
/// collective.
core::Trajectories chosen_times(core::Trajectories trajectories, const Deck& deck);

/// All ranks' step lengths without repetitions: ascending, the same on every rank. Collective.
std::vector<double> union_of_steps(const parallel::Communicator& comm, const std::vector<double>& mine);

/// The trajectories of a data set that count here where each one must count once: those whose first window is
/// held.
parallel::Range own_trajectories(const DataSet& set);

}  // namespace spnode::app

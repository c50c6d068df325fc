#pragma once
/// The windows of a trajectory file, spread over ranks.

#include <string>

#include "core/data/windows.hpp"
#include "io/trajectories.hpp"
#include "parallel/communicator.hpp"
#include "training/data_set.hpp"

namespace spnode::app {

/// What this rank holds of a data file.
struct DataSet : training::DataSet {
  std::string path;
  io::TrajectoryInfo info;  ///< of the whole file
};

/// What a data file holds. Collective. Raises FileError as io::inspect_trajectories does, and where an extent
/// is beyond what the libraries count (2^31 - 1).
io::TrajectoryInfo inspect_data(const parallel::Communicator& comm, const std::string& path);

/// The windows of a data file. Raises FileError where it has no interval, UsageError where no window fits.
/// Not collective.
core::WindowIndex window_index(const std::string& path, const io::TrajectoryInfo& info,
                               const core::WindowOptions& windows);

/// Reads this rank's part of a file. Collective. Raises FileError for an unusable file, UsageError where no
/// window fits into its trajectories.
DataSet load_data_set(const parallel::Communicator& comm, const std::string& path,
                      const core::WindowOptions& windows, const training::SamplerOptions& sampler);

}  // namespace spnode::app

#pragma once
/// The windows of a data set, spread over ranks.

#include "core/data/windows.hpp"
#include "parallel/communicator.hpp"
#include "parallel/partition.hpp"
#include "training/sampler.hpp"

#include <memory>
#include <string>

namespace spnode::training {

struct Moments;

/// What a rank holds of a data set: the trajectories of its own shards.
struct DataSet {
  Sampler sampler;            ///< which windows a batch holds, and who computes them
  core::WindowData data;      ///< knows times and components also where this rank holds no trajectory
  double time_epsilon = 0.0;  ///< of the format of the times, which count_time_in() loses; 0: as they are
  /// Of states that are streamed, which do not change: found once, because each time takes two passes.
  mutable std::shared_ptr<const Moments> moments = nullptr;
};

/// Counts the times of the data set, and the rates among them, in another unit of time. Not collective.
void count_time_in(double unit, DataSet& set);

/// This rank's part of trajectories that all ranks hold. Raises UsageError where no window fits into them.
/// Not collective.
DataSet share_trajectories(const parallel::Communicator& comm, const core::Trajectories& all,
                           const core::WindowOptions& windows, const SamplerOptions& sampler);

/// The windows of this rank. Not collective.
parallel::Range held_windows(const parallel::Communicator& comm, const DataSet& set);

/// The trajectories that count on this rank where each one must count once: those whose first window it
/// holds. Not collective.
parallel::Range own_trajectories(const parallel::Communicator& comm, const DataSet& set);

/// data.set_weight(), so that losses over the windows are means over what is not missing: a window counts
/// from its first state on, if that is there. Collective; raises FileError where nothing counts, which begins
/// with `path`.
void weigh_known_states(const parallel::Communicator& comm, const std::string& path, DataSet& set);

}  // namespace spnode::training

#include "training/data_set.hpp"

#include <utility>

namespace spnode::training {

DataSet share_trajectories(const parallel::Communicator& comm, const core::Trajectories& all,
                           const core::WindowOptions& windows, const SamplerOptions& options) {
  const core::WindowIndex index(all.count, windows.times.empty() ? all.times : windows.times.size(), windows);
  const Sampler sampler(index.count(), options);
  const parallel::Range held = sampler.held(comm.rank(), comm.size());
  const auto own = index.trajectories(held.begin, held.end);
  core::Trajectories chosen =
      core::select_times(core::select_trajectories(all, own.first, own.last - own.first), windows.times);
  return {sampler, core::WindowData(index, std::move(chosen), own.first)};
}

parallel::Range held_windows(const parallel::Communicator& comm, const DataSet& set) {
  return set.sampler.held(comm.rank(), comm.size());
}

parallel::Range own_trajectories(const parallel::Communicator& comm, const DataSet& set) {
  const parallel::Range held = held_windows(comm, set);
  const std::size_t per = set.data.index().per_trajectory();
  return {(held.begin + per - 1) / per, (held.end + per - 1) / per};
}

}  // namespace spnode::training

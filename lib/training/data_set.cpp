#include "training/data_set.hpp"

#include "core/support/error.hpp"
#include "core/support/stored_precision.hpp"

#include <cstdint>
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

void count_time_in(double unit, DataSet& set) {
  if (unit == 1.0) return;
  core::StoredPrecision precision;
  for (const double time : set.data.held().time) precision.add(time);
  set.time_epsilon = precision.epsilon();
  core::count_time_in(unit, set.data.change());
}

parallel::Range held_windows(const parallel::Communicator& comm, const DataSet& set) {
  return set.sampler.held(comm.rank(), comm.size());
}

parallel::Range own_trajectories(const parallel::Communicator& comm, const DataSet& set) {
  const parallel::Range held = held_windows(comm, set);
  const std::size_t per = set.data.index().per_trajectory();
  return {(held.begin + per - 1) / per, (held.end + per - 1) / per};
}

void weigh_known_states(const parallel::Communicator& comm, const std::string& path, DataSet& set) {
  const parallel::Range windows = held_windows(comm, set);
  const std::size_t times = set.data.index().intervals() + 1;
  std::uint64_t counted[2] = {windows.size() * times, 0};  // states, and those that count
  for (std::uint64_t window = windows.begin; window < windows.end; ++window) {
    const core::WindowView view = set.data.view(window);
    for (std::size_t k = 0; k < times; ++k) counted[1] += view.counts(k) ? 1 : 0;
  }
  MPI_Allreduce(MPI_IN_PLACE, counted, 2, MPI_UINT64_T, MPI_SUM, comm.handle());
  if (counted[1] == 0)
    throw FileError(path + ": every window begins with a state that has a missing component");
  set.data.set_weight(static_cast<double>(counted[0]) / static_cast<double>(counted[1]));
}

}  // namespace spnode::training

#include "app/data_set.hpp"

#include <cstdint>
#include <limits>

#include "core/support/error.hpp"
#include "core/support/memory_limit.hpp"
#include "core/support/text.hpp"

namespace spnode::app {

io::TrajectoryInfo inspect_data(const parallel::Communicator& comm, const std::string& path) {
  const io::TrajectoryInfo info = io::inspect_trajectories(comm, path);
  constexpr std::size_t most = std::numeric_limits<std::int32_t>::max();
  const double bytes = sizeof(double) * double(info.count) * double(info.times) * double(info.components);
  for (const std::size_t extent : {info.count, info.times, info.components})
    if (extent > most)
      throw FileError(path + ": /state has an extent of " + std::to_string(extent) + " and would need " +
                      shown_bytes(bytes) + " of memory; a process here has " +
                      shown_bytes(core::process_memory()) + ", and at most " + std::to_string(most) +
                      " can be counted");
  return info;
}

core::WindowIndex window_index(const std::string& path, const io::TrajectoryInfo& info,
                               const core::WindowOptions& windows) {
  if (info.count == 0 || info.times < 2)
    throw FileError(path + ": /state has " + std::to_string(info.count) + " trajectories of " +
                    std::to_string(info.times) + " times; at least one of two times is needed");
  return {info.count, windows.times.empty() ? info.times : windows.times.size(), windows};
}

DataSet load_data_set(const parallel::Communicator& comm, const std::string& path,
                      const core::WindowOptions& windows, const training::SamplerOptions& options) {
  const io::TrajectoryInfo info = inspect_data(comm, path);
  const core::WindowIndex index = window_index(path, info, windows);
  const training::Sampler sampler(index.count(), options);
  const parallel::Range held = sampler.held(comm.rank(), comm.size());
  const auto trajectories = index.trajectories(held.begin, held.end);
  core::Trajectories own =
      io::read_trajectories(comm, path, trajectories.first, trajectories.last - trajectories.first);
  parallel::collectively(comm, [&] { own = core::select_times(std::move(own), windows.times); });
  return {{sampler, core::WindowData(index, std::move(own), trajectories.first)}, path, info};
}

}  // namespace spnode::app

#include "app/data_set.hpp"

#include <numeric>

#include "core/error.hpp"
#include "core/integrators/step_table.hpp"

namespace spnode::app {

DataSet load_data_set(const parallel::Communicator& comm, const std::string& path,
                      const core::WindowOptions& windows, const distributed::SamplerOptions& options) {
  const io::TrajectoryInfo info = io::inspect_trajectories(comm, path);
  const std::size_t times = windows.times.empty() ? info.times : windows.times.size();
  const core::WindowIndex index(info.count, times, windows);
  const distributed::Sampler sampler(index.count(), options);
  const parallel::Range held = sampler.held(comm.rank(), comm.size());
  const auto trajectories = index.trajectories(held.begin, held.end);
  core::Trajectories own =
      io::read_trajectories(comm, path, trajectories.first, trajectories.last - trajectories.first);
  parallel::collectively(comm, [&] { own = core::select_times(std::move(own), windows.times); });
  return {path, info, sampler, times, held, core::WindowData(index, std::move(own), trajectories.first)};
}

std::vector<double> union_of_steps(const parallel::Communicator& comm, const std::vector<double>& mine) {
  const int count = static_cast<int>(mine.size());
  std::vector<int> counts(comm.size()), offsets(comm.size());
  MPI_Allgather(&count, 1, MPI_INT, counts.data(), 1, MPI_INT, comm.handle());
  std::exclusive_scan(counts.begin(), counts.end(), offsets.begin(), 0);
  std::vector<double> all(offsets.back() + counts.back());
  MPI_Allgatherv(mine.data(), count, MPI_DOUBLE, all.data(), counts.data(), offsets.data(), MPI_DOUBLE,
                 comm.handle());
  return core::StepTable(std::move(all)).steps();
}

parallel::Range own_trajectories(const DataSet& set) {
  const std::size_t per = set.data.index().per_trajectory();
  return {(set.held.begin + per - 1) / per, (set.held.end + per - 1) / per};
}

}  // namespace spnode::app

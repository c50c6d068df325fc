#include "app/data_set.hpp"

#include <cstdint>
#include <limits>
#include <numeric>

#include "app/deck/check.hpp"
#include "core/linear/step_table.hpp"
#include "core/support/error.hpp"
#include "core/support/memory_limit.hpp"
#include "core/support/text.hpp"
#include "parallel/count.hpp"

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

core::WindowIndex window_index(const std::string& path, const io::TrajectoryInfo& info, const Deck& deck) {
  if (info.count == 0 || info.times < 2)
    throw FileError(path + ": /state has " + std::to_string(info.count) + " trajectories of " +
                    std::to_string(info.times) + " times; at least one of two times is needed");
  const core::WindowOptions& windows = deck.data.windows;
  return using_section(deck, "data", [&] {
    return core::WindowIndex(info.count, windows.times.empty() ? info.times : windows.times.size(), windows);
  });
}

core::Trajectories chosen_times(core::Trajectories trajectories, const Deck& deck) {
  return using_section(deck, "data",
                       [&] { return core::select_times(std::move(trajectories), deck.data.windows.times); });
}

DataSet load_data_set(const parallel::Communicator& comm, const std::string& path, const Deck& deck,
                      const training::SamplerOptions& options) {
  const io::TrajectoryInfo info = inspect_data(comm, path);
  const core::WindowIndex index = window_index(path, info, deck);
  const training::Sampler sampler(index.count(), options);
  const parallel::Range held = sampler.held(comm.rank(), comm.size());
  const auto trajectories = index.trajectories(held.begin, held.end);
  core::Trajectories own =
      io::read_trajectories(comm, path, trajectories.first, trajectories.last - trajectories.first);
  parallel::collectively(comm, [&] { own = chosen_times(std::move(own), deck); });
  const std::size_t times = own.times;
  return {path, info, sampler, times, held, core::WindowData(index, std::move(own), trajectories.first)};
}

std::vector<double> union_of_steps(const parallel::Communicator& comm, const std::vector<double>& mine) {
  std::uint64_t sum = mine.size();
  MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_UINT64_T, MPI_SUM, comm.handle());
  parallel::mpi_count(sum);
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

#include "io/sealed_file.hpp"
#include "io/text.hpp"
#include "io/trajectories.hpp"
#include "io/trajectory_format.hpp"

#include <utility>

namespace spnode::io {

using hdf5::ElementType;
using hdf5::File;
using hdf5::Slab;
using parallel::collectively;
using parallel::Communicator;

TrajectoryWriter::TrajectoryWriter(const Communicator& comm, const std::string& path,
                                   const TrajectoryInfo& info, Overwrite overwrite)
    : comm_(comm), info_(info), target_(comm, path, overwrite) {
  // One rank makes the objects, so that only plain data transfers are left to go wrong in parallel.
  collectively(comm_, [&] {
    if (comm_.is_root()) create_objects();
  });
  file_ = File::open_parallel(comm_, target_.temporary(), path);
}

void TrajectoryWriter::create_objects() const {
  File file = File::create(target_.temporary(), target_.path());
  write_format(file, trajectory_format, trajectory_format_version);
  file.set_attribute("/", "system", info_.system);
  file.set_attribute("/", "units", info_.units);
  file.create_dataset(state_name, info_.state_type, {info_.count, info_.times, info_.components});
  if (info_.truth == Truth::present)
    file.create_dataset(truth_name, info_.state_type, {info_.count, info_.times, info_.components});
  const bool shared = info_.time_axis == TimeAxis::shared;
  file.create_dataset(time_name, ElementType::float64,
                      shared ? std::vector{info_.times} : std::vector{info_.count, info_.times});
  for (const std::string& name : info_.parameters) {
    file.create_dataset(parameter_name(name), ElementType::float64, {info_.count});
  }
  file.close();
}

void TrajectoryWriter::check_block(std::size_t first, const core::Trajectories& block,
                                   std::size_t time_begin) const {
  if (block.count == 0) return;
  const bool shared = info_.time_axis == TimeAxis::shared;
  bool fits = first + block.count <= info_.count && time_begin + block.times <= info_.times &&
              block.components == info_.components && block.shared_time == shared &&
              block.state.size() == block.count * block.times * block.components &&
              block.time.size() == (shared ? 1 : block.count) * block.times;
  for (const std::string& name : info_.parameters) {
    const auto found = block.parameters.find(name);
    fits = fits && found != block.parameters.end() && found->second.size() == block.count;
  }
  if (!fits) throw Error(ExitStatus::internal_error, target_.path() + ": a block does not fit the file");

  const Slab slab = {{first, time_begin, 0}, {block.count, block.times, info_.components}};
  if (const auto bad = first_non_finite(block.state)) {
    throw NumericalError(target_.path() + ": " + state_name + print_index(slab, *bad) + " would be " +
                         shortest(block.state[*bad]) + "; the trajectory has diverged");
  }
}

void TrajectoryWriter::write(std::size_t first, const core::Trajectories& block, std::size_t time_begin) {
  collectively(comm_, [&] { check_block(first, block, time_begin); });
  const auto put = [&](const std::string& name, const Slab& slab, std::span<const double> values) {
    collectively(comm_, [&] { file_.write_slab(name, slab, values); });
  };
  const std::size_t count = block.count, times = count > 0 ? block.times : 0;
  put(state_name, {{first, time_begin, 0}, {count, times, info_.components}}, block.state);
  if (info_.time_axis == TimeAxis::shared) {
    const std::size_t mine = first == 0 ? times : 0;
    put(time_name, {{time_begin}, {mine}}, std::span(block.time).first(mine));
  } else {
    put(time_name, {{first, time_begin}, {count, times}}, block.time);
  }
  for (const std::string& name : info_.parameters) {
    const auto found = block.parameters.find(name);
    const std::size_t mine = time_begin == 0 ? count : 0;
    put(parameter_name(name), {{first}, {mine}},
        mine > 0 ? std::span<const double>(found->second) : std::span<const double>());
  }
  written_ += count * times;
}

void TrajectoryWriter::write_truth(std::size_t first, const core::Trajectories& block) {
  collectively(comm_, [&] { check_block(first, block, 0); });
  collectively(comm_, [&] {
    file_.write_slab(truth_name, {{first, 0, 0}, {block.count, info_.times, info_.components}}, block.state);
  });
}

void TrajectoryWriter::commit() {
  std::uint64_t written = written_;
  MPI_Allreduce(MPI_IN_PLACE, &written, 1, MPI_UINT64_T, MPI_SUM, comm_.handle());
  if (const std::size_t all = info_.count * info_.times; written != all) {
    throw Error(ExitStatus::internal_error, target_.path() + ": " + std::to_string(written) + " of " +
                                                std::to_string(all) + " states were written");
  }
  collectively(comm_, [&] { file_.close(); });
  target_.commit();
}

}  // namespace spnode::io

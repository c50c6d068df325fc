#include "io/sealed_file.hpp"
#include "io/text.hpp"
#include "io/trajectories.hpp"
#include "io/trajectory_format.hpp"

#include <algorithm>
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
  // In the order in which every rank takes the offsets.
  const auto place = [&](const std::string& name, ElementType type, const std::vector<std::size_t>& shape) {
    places_.push_back({name, {0, type, shape}});
  };
  const std::vector<std::size_t> states = {info_.count, info_.times, info_.components};
  place(state_name, info_.state_type, states);
  if (info_.truth == Truth::present) place(truth_name, info_.state_type, states);
  if (info_.derivatives == Derivatives::present) place(derivatives_name, info_.state_type, states);
  if (info_.tangents > 0)
    for (const char* name : {directions_name, products_name})
      place(name, ElementType::float64, {info_.count, info_.times, info_.tangents, info_.components});
  const bool shared = info_.time_axis == TimeAxis::shared;
  place(time_name, ElementType::float64,
        shared ? std::vector{info_.times} : std::vector{info_.count, info_.times});
  for (const std::string& name : info_.parameters)
    place(parameter_name(name), ElementType::float64, {info_.count});
  for (const std::string& name : info_.inputs)
    place(input_name(name), ElementType::float64, {info_.count, info_.times});

  std::vector<std::uint64_t> offsets(places_.size());
  collectively(comm_, [&] {
    if (comm_.is_root()) create_objects(offsets);
  });
  MPI_Bcast(offsets.data(), static_cast<int>(offsets.size()), MPI_UINT64_T, 0, comm_.handle());
  for (std::size_t i = 0; i < places_.size(); ++i) places_[i].second.offset = offsets[i];
  collectively(comm_, [&] { file_ = SlabWriter(target_.temporary(), target_.path()); });
}

void TrajectoryWriter::create_objects(std::vector<std::uint64_t>& offsets) const {
  File file = File::create(target_.temporary(), target_.path());
  write_format(file, trajectory_format, trajectory_format_version);
  file.set_attribute("/", "system", info_.system);
  file.set_attribute("/", "units", info_.units);
  if (!info_.component_axes.empty()) file.set_attribute("/", "component_axes", info_.component_axes);
  for (std::size_t i = 0; i < places_.size(); ++i) {
    const auto& [name, place] = places_[i];
    file.create_dataset(name, place.type, place.shape);
    offsets[i] = file.placement(name).offset;
  }
  file.close();
  reserve_space(target_.temporary(), target_.path());
}

void TrajectoryWriter::put(const std::string& name, const Slab& slab, std::span<const double> values) {
  const auto found =
      std::find_if(places_.begin(), places_.end(), [&](const auto& place) { return place.first == name; });
  file_.write(found->second, slab, values);
}

void TrajectoryWriter::check_block(std::size_t first, const core::Trajectories& block,
                                   std::size_t time_begin) const {
  if (block.count == 0) return;
  const bool shared = info_.time_axis == TimeAxis::shared;
  bool fits = first + block.count <= info_.count && time_begin + block.times <= info_.times &&
              block.components == info_.components && block.shared_time == shared &&
              block.state.size() == block.count * block.times * block.components &&
              block.time.size() == (shared ? 1 : block.count) * block.times;
  if (info_.derivatives == Derivatives::present) fits = fits && block.derivative.size() == block.state.size();
  if (info_.tangents > 0)
    fits = fits && block.tangents == info_.tangents &&
           block.directions.size() == info_.tangents * block.state.size() &&
           block.products.size() == block.directions.size();
  for (const std::string& name : info_.parameters) {
    const auto found = block.parameters.find(name);
    fits = fits && found != block.parameters.end() && found->second.size() == block.count;
  }
  for (const std::string& name : info_.inputs) {
    const auto found = block.inputs.find(name);
    fits = fits && found != block.inputs.end() && found->second.size() == block.count * block.times;
  }
  if (!fits) throw Error(ExitStatus::internal_error, target_.path() + ": a block does not fit the file");

  const Slab slab = {{first, time_begin, 0}, {block.count, block.times, info_.components}};
  if (const auto bad = first_non_finite(block.state)) {
    throw NumericalError(target_.path() + ": " + state_name + print_index(slab, *bad) + " would be " +
                         shortest(block.state[*bad]) + "; the trajectory has diverged");
  }
}

void TrajectoryWriter::write(std::size_t first, const core::Trajectories& block, std::size_t time_begin) {
  const std::size_t count = block.count, times = count > 0 ? block.times : 0;
  collectively(comm_, [&] {
    check_block(first, block, time_begin);
    const Slab states = {{first, time_begin, 0}, {count, times, info_.components}};
    put(state_name, states, block.state);
    if (info_.derivatives == Derivatives::present) put(derivatives_name, states, block.derivative);
    if (info_.tangents > 0) {
      const Slab tangents = {{first, time_begin, 0, 0}, {count, times, info_.tangents, info_.components}};
      put(directions_name, tangents, block.directions);
      put(products_name, tangents, block.products);
    }
    if (info_.time_axis == TimeAxis::shared) {
      const std::size_t mine = first == 0 ? times : 0;
      put(time_name, {{time_begin}, {mine}}, std::span(block.time).first(mine));
    } else {
      put(time_name, {{first, time_begin}, {count, times}}, block.time);
    }
    if (count == 0) return;
    for (const std::string& name : info_.inputs)
      put(input_name(name), {{first, time_begin}, {count, times}}, block.inputs.at(name));
    if (time_begin > 0) return;
    for (const std::string& name : info_.parameters)
      put(parameter_name(name), {{first}, {count}}, block.parameters.at(name));
  });
  written_ += count * times;
}

void TrajectoryWriter::write_truth(std::size_t first, const core::Trajectories& block) {
  collectively(comm_, [&] {
    check_block(first, block, 0);
    put(truth_name, {{first, 0, 0}, {block.count, info_.times, info_.components}}, block.state);
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

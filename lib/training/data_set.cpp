#include "training/data_set.hpp"

#include <utility>

namespace spnode::training {

namespace {

/// Entries of `count` trajectories from `first` on, each of `size` numbers.
std::vector<double> cut(const std::vector<double>& all, std::size_t first, std::size_t count,
                        std::size_t size) {
  const auto begin = all.begin() + static_cast<std::ptrdiff_t>(first * size);
  return {begin, begin + static_cast<std::ptrdiff_t>(count * size)};
}

core::Trajectories part(const core::Trajectories& all, std::size_t first, std::size_t count) {
  core::Trajectories held;
  held.count = count;
  held.times = all.times;
  held.components = all.components;
  held.shared_time = all.shared_time;
  held.state = cut(all.state, first, count, all.times * all.components);
  held.time = all.shared_time ? all.time : cut(all.time, first, count, all.times);
  held.tangents = all.tangents;
  held.directions = cut(all.directions, first, count, all.tangents_at(1, 0));
  held.products = cut(all.products, first, count, all.tangents_at(1, 0));
  for (const auto& [name, values] : all.parameters) held.parameters[name] = cut(values, first, count, 1);
  if (!all.derivative.empty())
    held.derivative = cut(all.derivative, first, count, all.times * all.components);
  if (!all.clock.empty()) held.clock = cut(all.clock, first, count, 1);
  held.input_times = all.input_times;
  held.shared_input_time = all.shared_input_time;
  held.input_time =
      all.shared_input_time ? all.input_time : cut(all.input_time, first, count, all.input_times);
  for (const auto& [name, values] : all.inputs)
    held.inputs[name] = cut(values, first, count, all.input_times);
  return held;
}

}  // namespace

DataSet share_trajectories(const parallel::Communicator& comm, const core::Trajectories& all,
                           const core::WindowOptions& windows, const SamplerOptions& options) {
  const core::WindowIndex index(all.count, windows.times.empty() ? all.times : windows.times.size(), windows);
  const Sampler sampler(index.count(), options);
  const parallel::Range held = sampler.held(comm.rank(), comm.size());
  const auto own = index.trajectories(held.begin, held.end);
  core::Trajectories chosen = core::select_times(part(all, own.first, own.last - own.first), windows.times);
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

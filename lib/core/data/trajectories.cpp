#include "core/data/trajectories.hpp"

namespace spnode::core {

namespace {

/// Entries of `count` trajectories from `first` on, each of `size` numbers.
template <class Number>
std::vector<Number> cut(const std::vector<Number>& all, std::size_t first, std::size_t count,
                        std::size_t size) {
  const auto begin = all.begin() + static_cast<std::ptrdiff_t>(first * size);
  return {begin, begin + static_cast<std::ptrdiff_t>(count * size)};
}

}  // namespace

Trajectories select_trajectories(const Trajectories& all, std::size_t first, std::size_t count) {
  Trajectories held;
  held.count = count;
  held.times = all.times;
  held.components = all.components;
  held.shared_time = all.shared_time;
  if (all.single.empty())
    held.state = cut(all.state, first, count, all.times * all.components);
  else
    held.single = cut(all.single, first, count, all.times * all.components);
  held.time = all.shared_time ? all.time : cut(all.time, first, count, all.times);
  held.tangents = all.tangents;
  held.directions = cut(all.directions, first, count, all.tangents_at(1, 0));
  held.products = cut(all.products, first, count, all.tangents_at(1, 0));
  for (const auto& [name, values] : all.parameters) held.parameters[name] = cut(values, first, count, 1);
  if (!all.derivative.empty())
    held.derivative = cut(all.derivative, first, count, all.times * all.components);
  if (!all.missing.empty()) held.missing = cut(all.missing, first, count, all.times);
  if (!all.clock.empty()) held.clock = cut(all.clock, first, count, 1);
  held.input_times = all.input_times;
  held.shared_input_time = all.shared_input_time;
  held.input_time =
      all.shared_input_time ? all.input_time : cut(all.input_time, first, count, all.input_times);
  for (const auto& [name, values] : all.inputs)
    held.inputs[name] = cut(values, first, count, all.input_times);
  return held;
}

Trajectories without_states(const Trajectories& all) {
  Trajectories rest;
  rest.count = all.count;
  rest.times = all.times;
  rest.components = all.components;
  rest.shared_time = all.shared_time;
  rest.time = all.time;
  rest.parameters = all.parameters;
  rest.missing = all.missing;
  rest.clock = all.clock;
  rest.input_times = all.input_times;
  rest.shared_input_time = all.shared_input_time;
  rest.input_time = all.input_time;
  rest.inputs = all.inputs;
  return rest;
}

void count_time_in(double unit, Trajectories& data) {
  if (unit == 1.0) return;
  for (std::vector<double>* times : {&data.time, &data.clock, &data.input_time})
    for (double& time : *times) time /= unit;
  for (std::vector<double>* rates : {&data.derivative, &data.products})
    for (double& rate : *rates) rate *= unit;
}

}  // namespace spnode::core

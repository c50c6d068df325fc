#include "core/data/windows.hpp"

#include "core/support/error.hpp"

#include <algorithm>
#include <string>

namespace spnode::core {

void WindowOptions::validate() const {
  require_option(!every.empty(), {"every"}, "is empty; name at least one number");
  require_option(times.size() != 1, {"times"}, "must be at least two indices; found one");
  for (std::size_t i = 1; i < times.size(); ++i)
    require_option(times[i - 1] < times[i], {"times"},
                   "must be increasing indices; found " + std::to_string(times[i]) + " after " +
                       std::to_string(times[i - 1]));
}

WindowIndex::WindowIndex(std::size_t trajectories, std::size_t times, const WindowOptions& options)
    : trajectories_(trajectories) {
  if (trajectories == 0 || times < 2)
    throw UsageError("a data set needs at least one trajectory of two times; found " +
                     std::to_string(trajectories) + " of " + std::to_string(times));
  validate_all(options);
  const std::size_t longest = std::ranges::max(options.every);
  intervals_ = options.window == 0 ? std::max<std::size_t>(1, (times - 1) / longest) : options.window;
  if (intervals_ * longest > times - 1)
    throw OptionError({"window", "every"},
                      "= " + std::to_string(intervals_) + " intervals of " + std::to_string(longest) +
                          " each (every), but the trajectories have " + std::to_string(times - 1));
  longest_ = intervals_ * longest;
  for (const std::size_t every : options.every) {
    const std::size_t length = intervals_ * every, stride = options.stride == 0 ? length : options.stride;
    const std::size_t begin = per_trajectory_;
    per_trajectory_ += (times - 1 - length) / stride + 1;
    families_.push_back({begin, per_trajectory_, every, stride});
  }
}

HeldNumbers WindowData::numbers(std::size_t trajectory, std::size_t t, std::size_t begin,
                                std::size_t end) const {
  const std::size_t state = trajectory * held_.times + t, place = state * held_.components + begin;
  if (streamed_ != nullptr) return streamed_->read(state, begin, end);
  return held_.single.empty() ? HeldNumbers(held_.state.data() + place)
                              : HeldNumbers(held_.single.data() + place);
}

// From its first state to its last one, with those between that it does not use.
StateBlock WindowData::states_of(std::uint64_t window) const {
  const WindowIndex::Times times = index_.times(window);
  return {(index_.trajectory(window) - first_) * held_.times + times.first,
          index_.intervals() * times.every + 1, 0, held_.components};
}

std::vector<StateBlock> WindowData::states_of(std::span<const std::uint64_t> windows) const {
  std::vector<StateBlock> blocks;
  blocks.reserve(windows.size());
  for (const std::uint64_t window : windows) blocks.push_back(states_of(window));
  return blocks;
}

std::size_t WindowData::windows_at_once() const {
  return streamed_->capacity() / ((index_.longest() + 1) * held_.components);
}

bool WindowData::has(std::span<const std::uint64_t> windows) const {
  return streamed_ == nullptr || std::ranges::all_of(windows, [&](std::uint64_t window) {
           return streamed_->find(states_of(window)).has_value();
         });
}

void WindowData::load(std::span<const std::uint64_t> windows, std::span<const std::uint64_t> next) const {
  streamed_->load(states_of(windows), states_of(next));
}

WindowView WindowData::streamed_view(std::uint64_t window) const {
  const auto states = streamed_->find(states_of(window));
  if (!states)
    throw Error(ExitStatus::internal_error, "window " + std::to_string(window) + " was not loaded");
  return {index_.trajectory(window) - first_, held_, index_.times(window), *states};
}

Trajectories select_times(Trajectories all, const std::vector<std::size_t>& times) {
  if (times.empty()) return all;
  for (std::size_t i = 0; i < times.size(); ++i)
    if (times[i] >= all.times || (i > 0 && times[i] <= times[i - 1]))
      throw OptionError({"times"}, "must increase and stay below the number of times, " +
                                       std::to_string(all.times) + "; found " + std::to_string(times[i]) +
                                       " at index " + std::to_string(i));
  Trajectories kept = all;
  kept.times = times.size();
  if (all.single.empty())
    kept.state.resize(all.count * kept.times * all.components);
  else
    kept.single.resize(all.count * kept.times * all.components);
  kept.time.resize((all.shared_time ? 1 : all.count) * kept.times);
  if (!all.derivative.empty()) kept.derivative.resize(all.count * kept.times * all.components);
  if (!all.missing.empty()) kept.missing.resize(all.count * kept.times);
  const std::size_t size = all.tangents * all.components;
  kept.directions.resize(all.count * kept.times * size);
  kept.products.resize(all.count * kept.times * size);
  for (std::size_t n = 0; n < all.count; ++n)
    for (std::size_t t = 0; t < kept.times; ++t) {
      const std::size_t from = (n * all.times + times[t]) * all.components,
                        to = (n * kept.times + t) * all.components;
      if (all.single.empty())
        std::copy_n(&all.state[from], all.components, &kept.state[to]);
      else
        std::copy_n(&all.single[from], all.components, &kept.single[to]);
      if (!all.missing.empty()) kept.missing[n * kept.times + t] = all.missing[n * all.times + times[t]];
      if (!all.derivative.empty()) std::copy_n(&all.derivative[from], all.components, &kept.derivative[to]);
      std::copy_n(all.directions.data() + all.tangents * from, size,
                  kept.directions.data() + all.tangents * to);
      std::copy_n(all.products.data() + all.tangents * from, size, kept.products.data() + all.tangents * to);
    }
  for (std::size_t n = 0; n < (all.shared_time ? 1 : all.count); ++n)
    for (std::size_t t = 0; t < kept.times; ++t)
      kept.time[n * kept.times + t] = all.time[n * all.times + times[t]];
  return kept;
}

}  // namespace spnode::core

#pragma once
/// Windows cut from long trajectories, and the share of them that this process holds.

#include "core/data/state_source.hpp"
#include "core/data/trajectories.hpp"
#include "core/support/option.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace spnode::core {

struct WindowOptions {
  std::size_t window = 0;
  std::size_t stride = 0;
  std::vector<std::size_t> times;
  std::vector<std::size_t> every = {1};

  static void describe(auto& visit) {
    using Self = WindowOptions;
    visit.option("window", &Self::window,
                 {.meaning = "length of a window; 0: the whole trajectory", .unit = "intervals"});
    visit.option(
        "stride", &Self::stride,
        {.meaning = "distance between the starts of windows; 0: the window's length", .unit = "intervals"});
    visit.option(
        "every", &Self::every,
        {.meaning =
             "windows use every k-th time, for each of these k; several step lengths train an ODE, not a map",
         .limits = at_least(1)});
    visit.option("times", &Self::times, {.meaning = "indices of the times to use, increasing; []: all"});
  }

  /// Raises OptionError.
  void validate() const;
};

/// How the windows of a data set are numbered: trajectory by trajectory, then by k of `every`, then by start
/// time. An interval of a window is k intervals of the data.
class WindowIndex {
 public:
  /// `trajectories` and `times` are those of the whole data set. Raises UsageError where there are none,
  /// OptionError where no window fits.
  WindowIndex(std::size_t trajectories, std::size_t times, const WindowOptions& options);

  std::uint64_t count() const { return trajectories_ * per_trajectory_; }
  std::size_t per_trajectory() const { return per_trajectory_; }
  std::size_t intervals() const { return intervals_; }
  std::size_t longest() const { return longest_; }  ///< window, in intervals of the data
  std::size_t trajectory(std::uint64_t window) const { return window / per_trajectory_; }

  /// The k-th time of a window is number first + k every of its trajectory.
  struct Times {
    std::size_t first, every;
  };
  Times times(std::uint64_t window) const {
    const std::size_t number = window % per_trajectory_;
    const Family* family = families_.data();
    while (number >= family->end) ++family;
    return {(number - family->begin) * family->stride, family->every};
  }

  /// Index of the k-th time of a window along the times of its trajectory.
  std::size_t time(std::uint64_t window, std::size_t k) const {
    const Times times = this->times(window);
    return times.first + k * times.every;
  }

  /// Trajectories [first, last) that hold the windows [begin, end).
  struct Range {
    std::size_t first = 0, last = 0;
  };
  Range trajectories(std::uint64_t begin, std::uint64_t end) const {
    return begin == end ? Range{} : Range{trajectory(begin), trajectory(end - 1) + 1};
  }

 private:
  struct Family {  // windows [begin, end) of a trajectory: those of every `every`-th time
    std::size_t begin, end, every, stride;
  };
  std::size_t trajectories_, intervals_, longest_, per_trajectory_ = 0;
  std::vector<Family> families_;
};

/// A window where it lies in memory.
class WindowView {
 public:
  WindowView(std::size_t trajectory, const Trajectories& held, WindowIndex::Times times)
      : trajectory_(trajectory),
        state_(start_of(held.state, trajectory, held, times)),
        derivative_(start_of(held.derivative, trajectory, held, times)),
        single_(start_of(held.single, trajectory, held, times)),
        missing_(held.missing.empty() ? nullptr
                                      : held.missing.data() + trajectory * held.times + times.first),
        time_(held.times_at(trajectory) + times.first),
        stride_(times.every * held.components),
        first_(times.first),
        every_(times.every) {}
  /// Of states that are read while they are used: `states` are those of the window, one behind the other.
  WindowView(std::size_t trajectory, const Trajectories& held, WindowIndex::Times times,
             const HeldNumbers& states)
      : WindowView(trajectory, held, times) {
    states.visit([this](const auto* numbers) { point_to(numbers); });
  }
  std::size_t trajectory() const { return trajectory_; }                  ///< among those that are held
  std::size_t place(std::size_t k) const { return first_ + k * every_; }  ///< along its times
  /// Of states that are held in double: the components k intervals into the window.
  const double* state(std::size_t k) const { return state_ + k * stride_; }
  bool in_single() const { return single_ != nullptr; }
  /// Of those that are held in single precision.
  const float* single(std::size_t k) const { return single_ + k * stride_; }
  /// du/dt of that state; only where the trajectories have derivatives.
  const double* derivative(std::size_t k) const { return derivative_ + k * stride_; }
  double time(std::size_t k) const { return time_[k * every_]; }
  /// Whether that state can be compared with a rollout, which begins at the first one.
  bool counts(std::size_t k) const {
    return missing_ == nullptr || (missing_[0] == 0 && missing_[k * every_] == 0);
  }

 private:
  template <class Number>
  static const Number* start_of(const std::vector<Number>& numbers, std::size_t trajectory,
                                const Trajectories& held, WindowIndex::Times times) {
    if (numbers.empty()) return nullptr;
    return numbers.data() + (trajectory * held.times + times.first) * held.components;
  }
  void point_to(const double* numbers) { state_ = numbers; }
  void point_to(const float* numbers) { single_ = numbers; }

  std::size_t trajectory_;
  const double *state_, *derivative_;
  const float* single_;
  const std::uint8_t* missing_;
  const double* time_;
  std::size_t stride_, first_, every_;
};

/// The trajectories that this process holds, seen as windows with global numbers. Their states are held, too,
/// or streamed: read while they are used.
class WindowData {
 public:
  /// `held` starts at trajectory `first` of the data set and holds only the selected times; no states where
  /// these are streamed. Copies share `streamed`.
  WindowData(WindowIndex index, Trajectories held, std::size_t first,
             std::shared_ptr<StreamedStates> streamed = nullptr)
      : index_(index), held_(std::move(held)), first_(first), streamed_(std::move(streamed)) {}

  const WindowIndex& index() const { return index_; }
  const Trajectories& held() const { return held_; }
  std::size_t first() const { return first_; }  ///< number of the first held trajectory
  bool streamed() const { return streamed_ != nullptr; }

  /// What the weights of times are multiplied by, so that a loss is the mean over what is not missing.
  double weight() const { return weight_; }
  void set_weight(double weight) { weight_ = weight; }

  /// The trajectories, to be changed before anything is computed from them.
  Trajectories& change() { return held_; }

  /// Components [begin, end) of a state, by places among the held ones, for passes over all states. Streamed:
  /// valid until the next call, and windows that were loaded are gone. Raises FileError.
  HeldNumbers numbers(std::size_t trajectory, std::size_t t, std::size_t begin, std::size_t end) const;
  HeldNumbers numbers(std::size_t trajectory, std::size_t t) const {
    return numbers(trajectory, t, 0, held_.components);
  }

  /// Components of the state k intervals into a window, which is held in double, and its time.
  const double* state(std::uint64_t window, std::size_t k) const {
    return held_.state_at(index_.trajectory(window) - first_, index_.time(window, k));
  }
  double time(std::uint64_t window, std::size_t k) const {
    return held_.time_at(index_.trajectory(window) - first_, index_.time(window, k));
  }

  /// Of streamed states: that load() can take.
  std::size_t windows_at_once() const;
  /// Whether all these windows can be viewed.
  bool has(std::span<const std::uint64_t> windows) const;
  /// Reads the states of streamed windows, in place of those that were loaded, and then begins to read those
  /// of `next`. Raises FileError.
  void load(std::span<const std::uint64_t> windows, std::span<const std::uint64_t> next) const;

  /// Of streamed states only windows that were loaded.
  WindowView view(std::uint64_t window) const {
    const std::size_t trajectory = index_.trajectory(window) - first_;
    if (streamed_ == nullptr) return {trajectory, held_, index_.times(window)};
    return streamed_view(window);
  }

 private:
  StateBlock states_of(std::uint64_t window) const;
  std::vector<StateBlock> states_of(std::span<const std::uint64_t> windows) const;
  WindowView streamed_view(std::uint64_t window) const;

  WindowIndex index_;
  Trajectories held_;
  std::size_t first_;
  double weight_ = 1.0;
  std::shared_ptr<StreamedStates> streamed_;
};

/// Keeps only the time indices in `times` (all of them when empty). Raises OptionError for an index out of
/// range.
Trajectories select_times(Trajectories trajectories, const std::vector<std::size_t>& times);

}  // namespace spnode::core

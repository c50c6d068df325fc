#pragma once
/// Trajectories in host memory, as they stand in a file (docs/user-guide: trajectory files).

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace spnode::core {

/// Numbers where they lie, in the precision in which they are held; float widens without rounding.
class HeldNumbers {
 public:
  explicit HeldNumbers(const double* wide) : wide_(wide) {}
  explicit HeldNumbers(const float* single) : single_(single) {}

  double operator[](std::size_t k) const { return single_ != nullptr ? double(single_[k]) : wide_[k]; }

  /// work(pointer to double or to float).
  template <class Work>
  void visit(Work&& work) const {
    if (single_ != nullptr)
      work(single_);
    else
      work(wide_);
  }

 private:
  const double* wide_ = nullptr;
  const float* single_ = nullptr;
};

/// A contiguous range of the trajectories of a data set, with all their times.
struct Trajectories {
  std::size_t count = 0;       ///< trajectories held
  std::size_t times = 0;       ///< times per trajectory
  std::size_t components = 0;  ///< components of a state
  bool shared_time = true;     ///< one time axis for all trajectories

  std::vector<double> state;  ///< (count, times, components), row major
  std::vector<float> single;  ///< the same where states are held in single precision; `state` is then empty
  std::vector<double> time;   ///< (times) when shared_time, else (count, times)
  std::map<std::string, std::vector<double>> parameters;  ///< each (count)

  /// (count, times): 1 where a component of the state is missing, whose place has the nearest known state;
  /// empty: none is.
  std::vector<std::uint8_t> missing;

  std::vector<double> clock;       ///< (count): what the times of inputs are ahead of `time`; empty: nothing
  std::size_t input_times = 0;     ///< times at which inputs are given, of a trajectory
  bool shared_input_time = true;   ///< as shared_time
  std::vector<double> input_time;  ///< as `time`: the times of the file, all of them
  std::map<std::string, std::vector<double>> inputs;  ///< each (count, input_times), row major

  std::vector<double> derivative;  ///< du/dt of the states, shaped as `state`; empty: not given

  /// Jacobian-vector products of the true right-hand side f at the states: directions v, and (df/du) v with
  /// fixed parameters, inputs and time.
  std::size_t tangents = 0;                  ///< directions at each state; 0: there are none
  std::vector<double> directions, products;  ///< each (count, times, tangents, components), row major

  const double* state_at(std::size_t trajectory, std::size_t t) const {
    return state.data() + (trajectory * times + t) * components;
  }
  /// The components of a state, however it is held; state_at() is for those that are held in double.
  HeldNumbers numbers_at(std::size_t trajectory, std::size_t t) const {
    const std::size_t place = (trajectory * times + t) * components;
    return single.empty() ? HeldNumbers(state.data() + place) : HeldNumbers(single.data() + place);
  }
  double* state_at(std::size_t trajectory, std::size_t t) {
    return state.data() + (trajectory * times + t) * components;
  }
  /// Where (tangents, components) of a state begin in directions and products.
  std::size_t tangents_at(std::size_t trajectory, std::size_t t) const {
    return (trajectory * times + t) * tangents * components;
  }
  const double* times_at(std::size_t trajectory) const {
    return time.data() + (shared_time ? 0 : trajectory * times);
  }
  const double* input_times_at(std::size_t trajectory) const {
    return input_time.data() + (shared_input_time ? 0 : trajectory * input_times);
  }
  bool is_missing(std::size_t trajectory, std::size_t t) const {
    return !missing.empty() && missing[trajectory * times + t] != 0;
  }
  double clock_at(std::size_t trajectory) const { return clock.empty() ? 0.0 : clock[trajectory]; }
  double time_at(std::size_t trajectory, std::size_t t) const { return times_at(trajectory)[t]; }
};

/// The trajectories [first, first + count) with all that belongs to them.
Trajectories select_trajectories(const Trajectories& all, std::size_t first, std::size_t count);

/// All that belongs to the trajectories but states, and derivatives and tangents at them.
Trajectories without_states(const Trajectories& all);

/// Counts the times of the data, and the rates among them, in another unit of time.
void count_time_in(double unit, Trajectories& data);

}  // namespace spnode::core

#pragma once
/// The data that operators are fitted to.

#include "parallel/partition.hpp"

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace spnode::training {

/// Latent trajectories of this rank in groups whose number and contents do not depend on the number of ranks.
struct LatentTrajectories {
  std::size_t dimension = 0, times = 0;
  std::vector<parallel::Range> groups;  ///< of this rank: trajectories, numbered as `states` and `time` do
  std::size_t group_count = 0;          ///< over all ranks
  /// Overwrites (times, dimension) with the states of a trajectory.
  std::function<void(std::size_t trajectory, std::span<double> states)> states;
  std::function<double(std::size_t trajectory, std::size_t t)> time;
  double time_epsilon = 0.0;  ///< DataSet::time_epsilon

  /// Whether no state of a trajectory at the times [first, last] is missing; empty: always.
  std::function<bool(std::size_t trajectory, std::size_t first, std::size_t last)> known;
  bool has(std::size_t trajectory, std::size_t first, std::size_t last) const {
    return !known || known(trajectory, first, last);
  }

  std::vector<std::string> names;  ///< of the variables, for messages; empty: u_0, u_1 ..., q_0 ...

  std::size_t arguments = 0;
  /// Overwrites (arguments) with those at a time; only where there are any.
  std::function<void(std::size_t trajectory, std::size_t t, std::span<double> q)> arguments_at;
};

}  // namespace spnode::training

#pragma once
/// The states of a data set with their arguments, as the steps of start_fast_slow() read them.

#include "core/vector_field/model.hpp"
#include "parallel/communicator.hpp"
#include "training/data_set.hpp"
#include "training/start/latent_trajectories.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace spnode::training {

/// The place of epsilon among the parameters of a fast-slow model.
std::size_t epsilon_place(const core::Model& model);

/// A state of the data with its arguments.
struct StatePoint {
  std::span<const double> x, y;       ///< slow and fast variables
  std::span<const double> q, scaled;  ///< arguments as they are, and as networks see them
  double epsilon;
};

/// The states of a data set.
class States {
 public:
  /// The data set must outlive it. Collective. Raises UsageError where the data lack an argument.
  States(const parallel::Communicator& comm, const core::Model& model, const DataSet& set);

  /// At a time of a trajectory that this rank holds, whose states are (times, dimension); the arguments are
  /// valid until the next call.
  StatePoint at(std::size_t trajectory, std::size_t t, std::span<const double> states);

  /// Trajectories that this rank holds.
  std::size_t held() const {
    return data.groups.empty() ? 0 : data.groups.back().end - data.groups.front().begin;
  }

  const std::size_t first, count;  ///< trajectories: the first that this rank holds, and all
  const LatentTrajectories data;

 private:
  std::size_t slow_, epsilon_;
  core::Scaling scaling_;
  std::vector<double> q_, scaled_;
};

}  // namespace spnode::training

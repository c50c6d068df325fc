#pragma once
/// Mean and deviation of the states of a data set that is spread over ranks.

#include "parallel/communicator.hpp"
#include "training/data_set.hpp"

#include <vector>

namespace spnode::training {

/// Per component, over all trajectories and times; the deviation is that of the population (divided by n).
struct Moments {
  std::vector<double> mean;       ///< (components)
  std::vector<double> deviation;  ///< (components)
  std::vector<double> epsilon;    ///< (components), of the format that their values are stored in
};

/// The moments of the whole data set. The same bits for every number of ranks. Collective; raises FileError
/// on all ranks where states are too large to be added.
Moments component_moments(const parallel::Communicator& comm, const DataSet& set);

/// One mean, deviation and (the finest) epsilon for all components together. Not collective.
Moments pooled(const Moments& moments);

}  // namespace spnode::training

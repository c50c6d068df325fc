#pragma once
/// Mean and deviation of the states of a data set that is spread over ranks.

#include "parallel/communicator.hpp"
#include "training/data_set.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

namespace spnode::training {

/// Per component, over all trajectories and times; the deviation is that of the population (divided by n).
struct Moments {
  std::vector<double> mean;       ///< (components)
  std::vector<double> deviation;  ///< (components)
  std::vector<double> epsilon;    ///< (components), of the format that their values are stored in
  std::vector<double> first;      ///< (components), of the first state of the data set
  std::vector<double> rest;       ///< (components), share of the states that have that value, to rounding

  /// The value of a component that is constant: but for rounding, or in all but one in a thousand states,
  /// which are as good as none to learn from.
  std::optional<double> constant(std::size_t component) const;
};

/// The moments of the whole data set. The same bits for every number of ranks. Collective; raises FileError
/// on all ranks where states are too large to be added.
Moments component_moments(const parallel::Communicator& comm, const DataSet& set);

/// Mean and deviation, per component, of a function of its values. The same bits for every number of ranks.
/// Collective; raises FileError on all ranks where its values are too large to be added, or are no numbers.
struct FunctionMoments {
  std::vector<double> mean, deviation;  ///< (components)
};
FunctionMoments function_moments(const parallel::Communicator& comm, const DataSet& set,
                                 const std::function<double(std::size_t component, double x)>& function);

/// The time in which the states change by their deviations, to nine digits; 0 where they do not change. The
/// mean of the logarithms of such times over all changes from one time to the next, weighted with their
/// sizes: states at rest do not count, and what happens within many decades has a time between them.
/// Collective.
double natural_time_unit(const parallel::Communicator& comm, const DataSet& set, const Moments& moments);

/// One mean, deviation and (the finest) epsilon for all components together. Not collective.
Moments pooled(const Moments& moments);

}  // namespace spnode::training

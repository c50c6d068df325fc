#pragma once
/// What of a training follows from the mean and deviation of its data.

#include "core/loss/options.hpp"
#include "core/vector_field/model.hpp"
#include "parallel/communicator.hpp"
#include "training/data_set.hpp"

#include <optional>
#include <vector>

namespace spnode::training {

/// The scaling that the options ask for. The same bits on every number of ranks. Collective; raises
/// OptionError (shift, scale) where these do not fit the states, FileError as component_moments().
///
/// With `symmetries` (null: none) it is that of the data and their images, and commutes with each symmetry to
/// the last bit; OptionError where a given one does not.
core::Scaling make_scaling(const parallel::Communicator& comm, const core::ScalingOptions& options,
                           const DataSet& train, const core::Symmetries* symmetries = nullptr);

/// Moves the arguments of a model to [-1, 1] over the training data; constant ones keep their size. The same
/// bits on every number of ranks. Collective; raises UsageError where the data lack an argument.
core::Scaling make_argument_scaling(const parallel::Communicator& comm, const core::ArgumentOptions& options,
                                    const DataSet& train);

/// The value of each component that is constant (Moments::constant()), (state dimension). Collective; raises
/// FileError as component_moments().
std::vector<std::optional<double>> constant_components(const parallel::Communicator& comm,
                                                       const DataSet& train);

/// Weights of the components in the loss, (state dimension): none (empty), or one over their variance in
/// scaled space. Collective; raises FileError as component_moments().
std::vector<double> component_weights(const parallel::Communicator& comm, core::ComponentWeights kind,
                                      const core::Scaling& scaling, const DataSet& train);

}  // namespace spnode::training

#pragma once
/// A_L and the bilinear form, or a network in its place, started from the training data.

#include <optional>
#include <span>
#include <string>

#include "app/data_set.hpp"
#include "core/vector_field/model.hpp"

namespace spnode::app {

/// Replaces A_L and the bilinear form in theta by what model.options().initialisation finds in the data,
/// moved inside the bound mu; without a bilinear form a network of one hidden layer holds the quadratic part.
/// Latent states are those of the POD, or the scaled states without one. Gives a line for people. Collective;
/// the same bits on every number of ranks. Raises UsageError where the data do not allow it, NumericalError
/// where the fit breaks down.
std::string start_from_data(const parallel::Communicator& comm, const core::Model& model,
                            const std::optional<core::PodStart>& pod, const DataSet& train,
                            std::span<double> theta);

}  // namespace spnode::app

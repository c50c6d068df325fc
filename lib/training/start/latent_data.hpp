#pragma once
/// The training data in the latent coordinates of a model that is about to start.

#include "core/vector_field/model.hpp"
#include "parallel/communicator.hpp"
#include "training/data_set.hpp"
#include "training/start/latent_trajectories.hpp"

#include <optional>

namespace spnode::training {

/// The linear map to model.latent_dimension() modes: Fourier modes, or the POD of the scaled training states,
/// a trajectory at a time, which needs SLEPc. Collective; raises NumericalError where a POD fails.
core::PodStart start_basis(const parallel::Communicator& comm, const core::Model& model,
                           const DataSet& train);

/// The states of the data set as u = modes z / latent_scale, or z without a POD; z = (x - shift) / scale. One
/// group for each shard of the data: the trajectories whose first window is there. All must outlive the
/// result. Not collective.
LatentTrajectories latent_trajectories(const parallel::Communicator& comm, const core::Model& model,
                                       const std::optional<core::PodStart>& pod, const DataSet& train);

/// The variables of the model's library: the latent states of the POD, or the states as they are without one,
/// and the arguments, unscaled. Otherwise as latent_trajectories(). Raises UsageError where the data lack an
/// argument.
LatentTrajectories library_variables(const parallel::Communicator& comm, const core::Model& model,
                                     const std::optional<core::PodStart>& pod, const DataSet& train);

}  // namespace spnode::training

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

/// The states of the data set as u = modes z / latent_scale, or z without a POD, with its products where the
/// model has a lifting; z = (x - shift) / scale. One group for each shard of the data: the trajectories whose
/// first window is there. All must outlive the result. Not collective.
LatentTrajectories latent_trajectories(const parallel::Communicator& comm, const core::Model& model,
                                       const std::optional<core::PodStart>& pod, const DataSet& train);

/// The variables of the model's library: the latent states of the POD, or the states as they are without one,
/// and the arguments, unscaled. Otherwise as latent_trajectories(), but collective. Raises UsageError where
/// the data lack an argument.
LatentTrajectories library_variables(const parallel::Communicator& comm, const core::Model& model,
                                     const std::optional<core::PodStart>& pod, const DataSet& train);

/// The states of `data` and their images, element by element of the group: a trajectory for each. The
/// arguments do not change. The symmetries must outlive the result.
LatentTrajectories with_images(const LatentTrajectories& data, const core::Symmetries& symmetries);

/// What the variables of a stencil do at each point of the grid, one trajectory for each trajectory and point
/// of `fields`, whose states hold the fields. The stencil must outlive the result.
LatentTrajectories at_points(const LatentTrajectories& fields, const core::PeriodicStencil& stencil);

}  // namespace spnode::training

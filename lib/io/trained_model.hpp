#pragma once
/// Trained models to and from files (docs/model-file.md).

#include "core/integrators/options.hpp"
#include "core/vector_field/model.hpp"
#include "io/model_file.hpp"

#include <memory>
#include <string>
#include <vector>

namespace spnode::io {

/// A model with all that a forecast needs.
struct TrainedModel {
  std::unique_ptr<core::Model> model;
  std::vector<double> theta;           ///< (model->layout().size())
  core::IntegratorOptions integrator;  ///< the scheme that it was trained with
};

/// Writes a model, from rank 0. Collective; errors as for write_whole.
void save_model(const parallel::Communicator& comm, const std::string& path, const TrainedModel& trained,
                Overwrite overwrite);

/// Reads a model with the options that are in its file. Collective. Raises FileError where the file is
/// missing, damaged or does not describe a model.
TrainedModel load_model(const parallel::Communicator& comm, const std::string& path);

/// Options, scaling, parameter blocks, A_L, and numbers that describe them. Not collective.
ModelFile to_file(const TrainedModel& trained);

/// The model of such options with the numbers of a file. Raises FileError where these are missing, of another
/// shape or not finite, or the options do not fit them. Not collective.
TrainedModel from_file(const ModelFile& file, const core::ModelOptions& options,
                       const core::IntegratorOptions& integrator);

}  // namespace spnode::io

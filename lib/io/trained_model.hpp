#pragma once
/// A trained model as the contents of a file (docs/model-file.md).

#include "core/integrators/options.hpp"
#include "core/vector_field/model.hpp"
#include "io/model_file.hpp"

#include <memory>
#include <vector>

namespace spnode::io {

/// A model with all that a forecast needs.
struct TrainedModel {
  std::unique_ptr<core::Model> model;
  std::vector<double> theta;           ///< (model->layout().size())
  core::IntegratorOptions integrator;  ///< the scheme that it was trained with
};

/// Scaling, parameter blocks, A_L, and numbers that describe them. Not collective.
ModelFile to_file(const TrainedModel& trained);

/// The model of such options with the numbers of a file. Raises FileError where these are missing, of another
/// shape or not finite, or the options do not fit them. Not collective.
TrainedModel from_file(const ModelFile& file, const core::ModelOptions& options,
                       const core::IntegratorOptions& integrator);

}  // namespace spnode::io

#include "io/trained_model.hpp"

#include "core/support/error.hpp"
#include "core/support/text.hpp"
#include "io/model_options.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

namespace spnode::io {

namespace {

constexpr const char* shift_name = "scaling/shift";
constexpr const char* scale_name = "scaling/scale";
constexpr const char* argument_shift_name = "arguments/shift";
constexpr const char* argument_scale_name = "arguments/scale";
constexpr const char* state_dimension_name = "state_dimension";

/// The learned operator, which follows from linear/..., in the shape of its structure.
void append(core::OwnedMatrix A, ModelFile& file) {
  const std::size_t n = A.shape.n;
  const auto part = [&](std::size_t first, std::size_t count) {
    const auto begin = A.entries.begin() + static_cast<std::ptrdiff_t>(first);
    return std::vector<double>(begin, begin + static_cast<std::ptrdiff_t>(count));
  };
  switch (A.shape.structure) {
    case core::LinearStructure::dense:
      file.arrays.push_back({"A_L",
                             {n, n},
                             "the learned linear operator, 1/time; follows from linear/...",
                             std::move(A.entries)});
      return;
    case core::LinearStructure::block_diagonal:
      file.arrays.push_back(
          {"A_L_blocks", {n / 2, 2, 2}, "diagonal blocks of A_L, 1/time", part(0, 4 * (n / 2))});
      if (n % 2 == 1)
        file.arrays.push_back({"A_L_last", {1}, "last diagonal entry of A_L, 1/time", {A.entries.back()}});
      return;
    case core::LinearStructure::low_rank:
      file.arrays.push_back(
          {"A_L_diagonal", {n}, "d in A_L = diag(d) - U U^T + V W^T - W V^T, 1/time", part(0, n)});
      file.arrays.push_back({"A_L_factors",
                             {n, A.shape.columns()},
                             "[U V W] there, 1/sqrt(time)",
                             part(n, n * A.shape.columns())});
      return;
    case core::LinearStructure::state_dependent:  // a function, which has no entries
    case core::LinearStructure::none:
      return;
  }
}

/// The number of components that the file states. Raises FileError where it is none.
std::size_t state_dimension(const ModelFile& file) {
  const double value = file.scalar(state_dimension_name);
  const std::size_t stated = file.array(shift_name).values.size();
  if (value != static_cast<double>(stated))
    throw FileError(file.path + ": the attribute " + state_dimension_name + " of / is " + shortest(value) +
                    ", but /" + shift_name + " has " + std::to_string(stated) + " components");
  return stated;
}

/// The values of an array of numbers that are finite, and above `floor`. Raises FileError.
const std::vector<double>& checked(const ModelFile& file, const std::string& name,
                                   const std::vector<std::size_t>& shape,
                                   double floor = -std::numeric_limits<double>::infinity()) {
  const std::vector<double>& values = file.array(name, shape).values;
  for (const double value : values)
    if (!std::isfinite(value) || !(value > floor))
      throw FileError(file.path + ": /" + name + " holds " + shortest(value) + "; " +
                      (std::isfinite(floor) ? "numbers above " + shortest(floor) : "finite numbers") +
                      " are needed");
  return values;
}

}  // namespace

ModelFile to_file(const TrainedModel& trained) {
  const core::Model& model = *trained.model;
  const std::size_t m = model.state_dimension(), n = model.latent_dimension();
  ModelFile file;
  file.version = SPNODE_VERSION;
  file.options = print_options({model.options(), trained.integrator});
  file.scalars[state_dimension_name] = static_cast<double>(m);
  file.scalars["latent_dimension"] = static_cast<double>(n);
  if (model.split_shape().has_linear) file.scalars["mu"] = model.linear().bound();
  if (const auto distortion = model.distortion(trained.theta)) {
    file.scalars["lipschitz_to_latent"] = distortion->to_latent;
    file.scalars["lipschitz_from_latent"] = distortion->from_latent;
  }
  file.arrays.push_back({shift_name, {m}, "subtracted from each component of a state", model.scaling.shift});
  file.arrays.push_back({scale_name, {m}, "each component is divided by it afterwards", model.scaling.scale});
  if (const std::size_t count = model.argument_count(); count > 0) {
    file.arrays.push_back({argument_shift_name,
                           {count},
                           "subtracted from each argument: parameters, inputs, time, as the deck names them",
                           model.argument_scaling.shift});
    file.arrays.push_back({argument_scale_name,
                           {count},
                           "each argument is divided by it afterwards",
                           model.argument_scaling.scale});
  }
  append(model.linear_operator(trained.theta), file);
  for (const core::ParameterBlock& block : model.layout().blocks()) {
    const auto begin = trained.theta.begin() + static_cast<std::ptrdiff_t>(block.offset);
    const auto end = begin + static_cast<std::ptrdiff_t>(block.size());
    file.arrays.push_back({block.name, block.shape, block.meaning, std::vector<double>(begin, end)});
  }
  return file;
}

void save_model(const parallel::Communicator& comm, const std::string& path, const TrainedModel& trained,
                Overwrite overwrite) {
  write_model(comm, path, to_file(trained), overwrite);
}

TrainedModel load_model(const parallel::Communicator& comm, const std::string& path) {
  const ModelFile file = read_model(comm, path);
  if (file.options.empty())
    throw FileError(path + ": /options is missing: the model was stored by a program that did not write it");
  StoredOptions options;
  try {
    options = parse_options(file.options);
  } catch (const UsageError& error) {
    throw FileError(path + ": /options: " + error.what());
  }
  return from_file(file, options.model, options.integrator);
}

TrainedModel from_file(const ModelFile& file, const core::ModelOptions& options,
                       const core::IntegratorOptions& integrator) {
  TrainedModel trained{nullptr, {}, integrator};
  const std::size_t m = state_dimension(file);
  try {
    trained.model = std::make_unique<core::Model>(options, m);
  } catch (const UsageError& error) {
    throw FileError(file.path + ": does not describe a model: " + error.what());
  }
  trained.model->scaling = {checked(file, shift_name, {m}), checked(file, scale_name, {m}, 0.0)};
  if (const std::size_t count = trained.model->argument_count(); count > 0)
    trained.model->argument_scaling = {checked(file, argument_shift_name, {count}),
                                       checked(file, argument_scale_name, {count}, 0.0)};
  const core::ParameterLayout& layout = trained.model->layout();
  trained.theta.resize(layout.size());
  for (const core::ParameterBlock& block : layout.blocks())
    std::ranges::copy(checked(file, block.name, block.shape),
                      trained.theta.begin() + static_cast<std::ptrdiff_t>(block.offset));
  return trained;
}

}  // namespace spnode::io

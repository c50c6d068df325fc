#include "app/model_store.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "app/deck/check.hpp"
#include "core/support/text.hpp"

namespace spnode::app {

namespace {

constexpr const char* shift_name = "scaling/shift";
constexpr const char* scale_name = "scaling/scale";
constexpr const char* state_dimension_name = "state_dimension";

/// The learned operator, which follows from linear/..., in the shape of its structure.
void append(core::OwnedMatrix A, io::ModelFile& file) {
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
  }
}

/// The number of components that the file states. Raises FileError where it is none.
std::size_t state_dimension(const io::ModelFile& file) {
  const double value = file.scalar(state_dimension_name);
  const std::size_t stated = file.array(shift_name).values.size();
  if (value != static_cast<double>(stated))
    throw FileError(file.path + ": the attribute " + state_dimension_name + " of / is " + shortest(value) +
                    ", but /" + shift_name + " has " + std::to_string(stated) + " components");
  return stated;
}

/// The values of an array of numbers that are finite, and above `floor`. Raises FileError.
const std::vector<double>& checked(const io::ModelFile& file, const std::string& name,
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

void store_model(const parallel::Communicator& comm, const StoredModel& stored,
                 const std::map<std::string, double>& scalars, io::Overwrite overwrite) {
  const core::Model& model = *stored.state.model;
  const std::vector<double>& theta = stored.state.theta;
  const std::size_t m = model.state_dimension(), n = model.latent_dimension();
  io::ModelFile file;
  file.deck = print_deck(stored.deck);
  file.version = SPNODE_VERSION;
  file.scalars = scalars;
  file.scalars[state_dimension_name] = static_cast<double>(m);
  file.scalars["latent_dimension"] = static_cast<double>(n);
  file.scalars["mu"] = model.linear().bound();
  file.arrays.push_back({shift_name, {m}, "subtracted from each component of a state", model.scaling.shift});
  file.arrays.push_back({scale_name, {m}, "each component is divided by it afterwards", model.scaling.scale});
  append(model.linear_operator(theta), file);
  for (const core::ParameterBlock& block : model.layout().blocks()) {
    const auto begin = theta.begin() + static_cast<std::ptrdiff_t>(block.offset);
    const auto end = begin + static_cast<std::ptrdiff_t>(block.size());
    file.arrays.push_back({block.name, block.shape, block.meaning, std::vector<double>(begin, end)});
  }
  io::write_model(comm, stored.path, file, overwrite);
}

StoredModel load_model(const parallel::Communicator& comm, const std::string& path) {
  const io::ModelFile file = io::read_model(comm, path);
  StoredModel stored;
  stored.path = path;
  try {
    stored.deck = read_deck(file.deck, path + ": /deck", {});
    const std::size_t m = state_dimension(file);
    stored.state.model = using_section(stored.deck, "model",
                                       [&] { return std::make_unique<core::Model>(stored.deck.model, m); });
    stored.state.model->scaling = {checked(file, shift_name, {m}), checked(file, scale_name, {m}, 0.0)};
  } catch (const UsageError& error) {
    throw FileError(path + ": does not describe a model: " + error.what());
  }
  const core::ParameterLayout& layout = stored.state.model->layout();
  stored.state.theta.resize(layout.size());
  for (const core::ParameterBlock& block : layout.blocks())
    std::ranges::copy(checked(file, block.name, block.shape),
                      stored.state.theta.begin() + static_cast<std::ptrdiff_t>(block.offset));
  return stored;
}

}  // namespace spnode::app

#pragma once
/// The model before training: scaling and POD from the data, parameters from the seed or from the data.

#include "core/loss/tile_objective.hpp"
#include "core/vector_field/model.hpp"
#include "parallel/communicator.hpp"
#include "training/data_set.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace spnode::training {

/// Data of the slow scale of a fast-slow system.
struct SlowData {
  const DataSet* windows = nullptr;   ///< near the slow manifold
  const DataSet* manifold = nullptr;  ///< states on it, at eps = 0
};

/// How the steps of a fast-slow start fit the data, relative root mean squares.
struct FastSlowFit {
  std::optional<double> manifold;       ///< of the states on the slow manifold
  std::optional<double> near;           ///< of the windows near it that are kept, over eps
  std::size_t windows = 0, kept = 0;    ///< of these
  double slow_residual = 0.0;           ///< of the increments of x; StartFit has that of those of y
  double slow_ridge = 0.0;              ///< of their least squares
  double moved = 0.0, dropped_T = 0.0;  ///< FastOperator::AffineFit
};

/// How operators that were inferred from the data fit them, and how the model took them.
struct StartFit {
  core::Initialisation method = core::Initialisation::operator_inference;
  std::size_t order = 0;                   ///< of the differences; 0 where there were none
  double residual = 0.0;                   ///< of the least squares, relative
  double ridge = 0.0;                      ///< of the least squares
  double dropped = 0.0;                    ///< part of the quadratic forms that the bilinear rank cannot hold
  std::optional<double> network_residual;  ///< relative, of the quadratic part that a network holds
  double network_divisor = 1.0;            ///< of that part, to keep the network's Lipschitz bound
  std::size_t coefficients = 0, kept = 0;  ///< of a library; those that differ from zero
  std::optional<FastSlowFit> fast_slow = {};
};

/// Parameters of a model with what they came from.
struct Start {
  /// All, (model->layout().size()); of a start beside another one the first of them, as far as they differ.
  std::vector<double> theta;
  std::optional<StartFit> fit;  ///< of a start from the data
};

/// A model with its parameters.
struct InitialModel : Start {
  std::unique_ptr<core::Model> model;
  /// That may be better: of larger ridges, in ascending order. Parameters that they lack are those of this
  /// one.
  std::vector<Start> others;
};

/// The model that the options describe, at its start; the same bits on every number of ranks.
///
/// For options.initialisation other than random A_L and the bilinear form, or a network of one hidden layer
/// in its place, are those that fit the latent states of the POD (the scaled states without one), with
/// eigenvalues moved inside the bound mu, or a library of functions is that of sparse_regression(), or a
/// fast-slow model is that of start_fast_slow(), which needs data of the slow scale. A POD
/// needs SLEPc (SlepcInitialize). Collective. Raises UsageError where the options do not fit the data,
/// NumericalError where a fit breaks down, FileError where states are too large to be added.
InitialModel make_initial_model(const parallel::Communicator& comm, const core::ModelOptions& options,
                                std::uint64_t seed, const DataSet& train, const SlowData& slow = {});

/// The largest number of starts of an initial model: those of different ridges. Not collective.
std::size_t start_count(const core::ModelOptions& options);

/// Takes the best of a model's starts on a data set and drops the others. A start of a larger ridge must
/// halve the loss: it is further from the data. Collective.
void choose_start(const parallel::Communicator& comm, core::TileObjective& objective, const DataSet& set,
                  InitialModel& start);

}  // namespace spnode::training

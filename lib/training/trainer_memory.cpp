#include "training/trainer_memory.hpp"

#include "petsc/tao_solver.hpp"
#include "training/optimizers/normal_equations.hpp"

#include <petsctao.h>

#include <algorithm>
#include <string>

namespace spnode::training {

namespace {

double bytes(double numbers) { return numbers * sizeof(double); }

/// Rows of the shares, a tile's row, their sum, and the two integers of each of its entries (ExactSum).
double sum_bytes(std::size_t shares, double width) {
  return bytes(width * (static_cast<double>(std::max<std::size_t>(shares, 1)) + 4.0));
}

/// What is in a checkpoint stands in memory four times while it is written: itself, the copy that is written
/// from, HDF5's file in memory, and its bytes.
constexpr double with_checkpoint = 4.0;

/// Moments and the last good point, of which a rank may keep a part; the work of the epochs.
double adam_bytes(const AdamOptions& options, const TrainingSizes& sizes) {
  const double ranks = sizes.parameters < options.shared_from ? 1.0 : static_cast<double>(sizes.ranks);
  return bytes((with_checkpoint - 1.0 + 1.0 / ranks) * 3.0 * static_cast<double>(sizes.parameters) +
               static_cast<double>(options.epochs));
}

/// Pairs with the products that TAOLMVM keeps of them; its own vectors, those of its line search and of the
/// diagonal that it starts from; the state at the start of a cycle; the current iterate.
double lbfgs_bytes(const LbfgsOptions& options, const TrainingSizes& sizes) {
  constexpr double per_pair = 3.0, others = 24.0;
  return bytes(static_cast<double>(sizes.parameters) *
               (per_pair * static_cast<double>(options.history) + others));
}

/// Dense: directions here and in the objective, their tangents (twice), H, its factor and the tile's, and the
/// sums of H's upper half. Conjugate gradients: a few vectors.
double gauss_newton_bytes(const GaussNewtonOptions& options, const TrainingSizes& sizes) {
  const auto p = static_cast<double>(sizes.parameters), n = static_cast<double>(sizes.learning),
             c = static_cast<double>(sizes.contribution);
  if (!solves_densely(options, sizes.learning)) return bytes(8.0 * p + 2.0 * c) + sum_bytes(sizes.shares, c);
  return bytes(n * (2.0 * p + 2.0 * c + 3.0 * n)) + sum_bytes(sizes.shares, n * (n + 1.0) / 2.0);
}

double phase_bytes(OptimizerKind kind, const TrainingOptions& options, const TrainingSizes& sizes) {
  const bool shell =
      petsc::requested_tao_type(kind == OptimizerKind::lbfgs ? TAOLMVM : TAOSHELL) == std::string(TAOSHELL);
  if (!shell) return lbfgs_bytes(options.lbfgs, sizes);
  return kind == OptimizerKind::adam ? adam_bytes(options.adam, sizes)
                                     : gauss_newton_bytes(options.gauss_newton, sizes);
}

}  // namespace

double trainer_bytes(const TrainingSizes& sizes) {
  // theta now and the best; theta at the start and the gradient.
  constexpr double vectors = 2.0 * with_checkpoint + 2.0;
  const auto width = static_cast<double>(sizes.contribution);
  return bytes(vectors * static_cast<double>(sizes.parameters)) + sum_bytes(sizes.shares, width) +
         (sizes.validates ? sum_bytes(sizes.validation_shares, width) : 0.0);
}

double optimizer_bytes(const TrainingOptions& options, const TrainingSizes& sizes) {
  double most = options.pretrain_epochs > 0 ? phase_bytes(OptimizerKind::adam, options, sizes) : 0.0;
  for (const OptimizerKind kind : options.optimizers)
    most = std::max(most, phase_bytes(kind, options, sizes));
  return most;
}

}  // namespace spnode::training

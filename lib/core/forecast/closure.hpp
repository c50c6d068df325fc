#pragma once
/// The equations on the slow manifold of a fast-slow model, in the variables of the data.

#include "core/data/trajectories.hpp"
#include "core/integrators/rollout_steps.hpp"
#include "core/memory/scratch.hpp"
#include "core/vector_field/coordinates.hpp"
#include "core/vector_field/vector_field.hpp"

#include <vector>

namespace spnode::core {

/// What a closure says of the states of a trajectory.
struct ClosurePoints {
  std::vector<double> state, derivative;  ///< (times, components): points of the manifold, and du/dt there
  std::vector<double> fast_norm;          ///< (times): of the latent fast variables of the states
  std::vector<double> slow;               ///< (times, slow dimension): d/dt of the latent slow variables
  std::vector<double> slow_of_data;       ///< the same of the data's derivatives at their states; empty: none
};

/// The closure of a fast-slow model (FSNN, section 3.4): with latent variables [x; y] = h(z, epsilon), z the
/// scaled state, states belong to the points z_0 = h^-1(x, 0) of the slow manifold, and there
///   dz/dt = D h^-1(x, 0) [epsilon g(x, 0, epsilon); 0].
class Closure {
 public:
  /// theta: the model's parameters; keeps a reference to the model. Raises UsageError where the model is not
  /// fast-slow, NumericalError where an operator is not finite.
  Closure(const Model& model, std::span<const double> theta);

  Closure(const Closure&) = delete;
  Closure& operator=(const Closure&) = delete;

  /// At the states of a trajectory and their times. Raises UsageError where the data lack what the model
  /// depends on. Not collective.
  ClosurePoints compute(const Trajectories& data, std::size_t trajectory);

 private:
  MatrixView<double> scaled(std::span<const double> values, bool shifted);
  std::vector<double> unscaled(ConstMatrixView<double> z, bool shifted);
  std::vector<double> rows(ConstMatrixView<double> u, std::size_t count);

  const Model& model_;
  VectorField<double> field_;
  Coordinates<double> coordinates_;
  ArgumentReader arguments_;
  ExecSpace space_;
  Scratch<double> scratch_;
};

}  // namespace spnode::core
